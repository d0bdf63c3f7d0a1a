//! [`Load`]: asks a server as fast as it answers, or so many times a second, and says how long answers took.

mod report;

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at};

pub use report::LoadReport;
use report::Times;

/// What is asked again and again.
#[derive(Debug, Clone)]
pub struct Question {
    /// `GET` without a body, `POST` with one.
    pub body: Option<Bytes>,
    /// The path, with its query.
    pub path: String,
    /// Headers beside `Host` and `Content-Length`.
    pub headers: Vec<(String, String)>,
}

/// How a server is asked.
#[derive(Debug, Clone)]
pub struct Load {
    /// Host and port.
    pub authority: String,
    /// The questions, in turn.
    pub questions: Vec<Question>,
    /// How many connections ask at once, each waiting for its answer before it asks again.
    pub connections: usize,
    /// How long the server is asked before anything is counted.
    pub warm_up: Duration,
    /// How long it is counted.
    pub duration: Duration,
    /// How many requests a second all connections ask together, evenly; none means as many as are answered.
    pub rate: Option<f64>,
}

/// Why a server could not be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Nobody answers there.
    #[error("cannot connect to {authority}")]
    Connect {
        /// Host and port.
        authority: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A question is none.
    #[error("cannot ask: {0}")]
    Question(String),
}

impl Load {
    /// Asks.
    ///
    /// # Errors
    /// When nobody answers at the start, or there is nothing to ask. What fails later is counted.
    pub async fn run(&self) -> Result<LoadReport, LoadError> {
        if self.questions.is_empty() || self.connections == 0 {
            return Err(LoadError::Question("expected a question and a connection at least".to_owned()));
        }
        self.connect().await?;
        let begin = Instant::now() + self.warm_up;
        let end = begin + self.duration;
        let mut asking = JoinSet::new();
        for number in 0..self.connections {
            let this = self.clone();
            asking.spawn(async move { this.ask(number, begin, end).await });
        }
        let mut times = Times::default();
        while let Some(asked) = asking.join_next().await {
            times.add(asked.map_err(|_| LoadError::Question("a connection's work panicked".to_owned()))?);
        }
        Ok(times.report(self.duration))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, LoadError> {
        let failed = |source| LoadError::Connect { authority: self.authority.clone(), source };
        let stream = TcpStream::connect(&self.authority).await.map_err(failed)?;
        let _ = stream.set_nodelay(true);
        let shaken = handshake(TokioIo::new(stream)).await;
        let (sender, connection) = shaken.map_err(|error| failed(std::io::Error::other(error)))?;
        tokio::spawn(connection);
        Ok(sender)
    }

    /// One connection's questions, one after the other.
    async fn ask(&self, number: usize, begin: Instant, end: Instant) -> Times {
        let mut times = Times::default();
        let mut sender = None;
        let mut ticks = self.rate.map(|rate| {
            // Connections take turns, so that requests come evenly.
            let apart = Duration::from_secs_f64(1.0 / rate.max(1e-3));
            let first = tokio::time::Instant::now() + apart.mul_f64(number as f64);
            let mut ticks = interval_at(first, apart.mul_f64(self.connections as f64));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            ticks
        });
        for turn in number.. {
            // With a rate, time is counted from when the request was due, not from when it was sent.
            let asked = match &mut ticks {
                Some(ticks) => ticks.tick().await.into_std(),
                None => Instant::now(),
            };
            if asked >= end || Instant::now() >= end {
                break;
            }
            let question = &self.questions[turn % self.questions.len()];
            let mut connection = match sender.take() {
                Some(connection) => connection,
                None => match self.connect().await {
                    Ok(connection) => connection,
                    Err(_) => {
                        times.broken(asked >= begin);
                        tokio::time::sleep(Duration::from_millis(10)).await;
                        continue;
                    }
                },
            };
            match self.one(&mut connection, question).await {
                Ok(status) => {
                    times.answered(asked >= begin, status, asked.elapsed());
                    sender = Some(connection);
                }
                Err(()) => times.broken(asked >= begin),
            }
        }
        times
    }

    async fn one(&self, connection: &mut SendRequest<Full<Bytes>>, question: &Question) -> Result<u16, ()> {
        let method = if question.body.is_some() { Method::POST } else { Method::GET };
        let mut request = Request::builder().method(method).uri(&question.path).header(header::HOST, &self.authority);
        for (name, value) in &question.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(question.body.clone().unwrap_or_default())).map_err(drop)?;
        connection.ready().await.map_err(drop)?;
        let mut response = connection.send_request(request).await.map_err(drop)?;
        while let Some(frame) = response.body_mut().frame().await {
            frame.map_err(drop)?;
        }
        Ok(response.status().as_u16())
    }
}
