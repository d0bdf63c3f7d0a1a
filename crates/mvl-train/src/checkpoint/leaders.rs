//! Which epochs were the best.

use mvl_core::{Monitor, MonitorMode};

use crate::EpochSummary;

/// The best epochs by a figure of validation, at most so many, the very best first and the earlier first of equals. Epochs without the
/// figure, or where it is not a number, are not among them.
pub fn leaders(history: &[EpochSummary], monitor: &Monitor, most: usize) -> Vec<usize> {
    let figure = |epoch: &EpochSummary| epoch.valid.as_ref().and_then(|valid| valid.get(&monitor.metric));
    let judged = history.iter().filter_map(|epoch| figure(epoch).map(|value| (epoch.epoch, value)));
    let mut judged: Vec<(usize, f64)> = judged.filter(|(_, value)| !value.is_nan()).collect();
    judged.sort_by(|(_, a), (_, b)| match monitor.mode {
        MonitorMode::Max => b.total_cmp(a),
        MonitorMode::Min => a.total_cmp(b),
    });
    judged.into_iter().take(most).map(|(epoch, _)| epoch).collect()
}

#[cfg(test)]
mod tests {
    use mvl_core::Metrics;

    use super::*;

    #[test]
    fn equals_stay_in_order_and_what_is_no_number_is_left_out() {
        let values = [0.5, f64::NAN, 0.7, 0.5, 0.7];
        let history: Vec<EpochSummary> = (0..)
            .zip(values)
            .map(|(epoch, value)| EpochSummary {
                epoch,
                train: Metrics::default(),
                valid: Some(Metrics(vec![("accuracy".to_owned(), value)])),
                learning_rate: 0.1,
                samples: 1,
                train_seconds: 1.0,
                seconds: 1.0,
            })
            .collect();
        assert_eq!(leaders(&history, &Monitor::max("accuracy"), 3), [2, 4, 0]);
        assert_eq!(leaders(&history, &Monitor::min("accuracy"), 9), [0, 3, 2, 4]);
        assert_eq!(leaders(&history, &Monitor::max("loss"), 3), [0; 0]);
    }
}
