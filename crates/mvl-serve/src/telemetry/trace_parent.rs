//! [`continue_trace`]: a request goes on in its caller's trace (W3C Trace Context, 2021).

use axum::http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::is_exporting;

/// Makes a span go on in the trace that `traceparent` names, and notes which trace it is.
pub(crate) fn continue_trace(span: &Span, headers: &HeaderMap) {
    let parent = headers.get("traceparent").and_then(|value| read(value.to_str().ok()?));
    if !is_exporting() {
        if let Some(parent) = parent {
            span.record("trace_id", tracing::field::display(parent.trace_id()));
        }
        return;
    }
    if let Some(parent) = parent {
        // An error says that nobody hears of this span.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
    let trace = span.context().span().span_context().trace_id();
    span.record("trace_id", tracing::field::display(trace));
}

/// `00-` trace `-` span `-` flags, in small hexadecimal digits. Later versions may have more behind it.
fn read(text: &str) -> Option<SpanContext> {
    let mut parts = text.split('-');
    let [version, trace, span, flags] = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    let small = |part: &str, digits| {
        part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let sizes = small(version, 2) && small(trace, 32) && small(span, 16) && small(flags, 2);
    if !sizes || version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()? & TraceFlags::SAMPLED.to_u8());
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let context = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_are_read_and_others_are_none() {
        let fine = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let parent = read(fine).expect("a parent");
        assert_eq!(parent.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(parent.is_sampled() && parent.is_remote());
        assert!(!read(&fine.replace("-01", "-00")).expect("a parent").is_sampled());
        read(&format!("{}-more", fine.replacen("00", "01", 1))).expect("of a later version");
        for bad in [
            "",
            "00",
            &fine[..54],
            &format!("{fine}-more"),
            &fine.replacen("00", "ff", 1),
            &fine.to_uppercase(),
            &fine.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &fine.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &fine.replace('4', "g"),
        ] {
            assert!(read(bad).is_none(), "{bad}");
        }
    }
}
