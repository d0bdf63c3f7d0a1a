//! What the dashboard shows, and where.

use std::time::Instant;

use mvl_core::{Metrics, TrainingEvent};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{Axis, Block, Chart, Dataset, Gauge, GraphType, Paragraph};

use super::log::Log;
use crate::observers::progress_bar::{Run, brief_duration, brief_rate};
use crate::observers::thinned::Thinned;
use crate::observers::throughput::RollingSpeed;

/// The most lines of the log that are looked at.
const LOG_LINES: usize = 100;

/// Everything that is shown.
pub(super) struct View {
    run: Run,
    epoch: usize,
    /// Steps done in this epoch.
    step: usize,
    /// Batches done of the validation that goes on, and all of them.
    validation: Option<(usize, usize)>,
    /// Loss and learning rate of the last step.
    last_step: Option<(f64, f64)>,
    losses: Thinned,
    valid_losses: Thinned,
    rates: Thinned,
    speed: RollingSpeed,
    /// Of the last epoch: name, of training, of validation.
    figures: Vec<(String, Option<f64>, Option<f64>)>,
    log: Log,
}

impl View {
    pub(super) fn new(log: Log) -> Self {
        Self {
            run: Run::new(0, 0, 0, 0),
            epoch: 0,
            step: 0,
            validation: None,
            last_step: None,
            losses: Thinned::default(),
            valid_losses: Thinned::default(),
            rates: Thinned::default(),
            speed: RollingSpeed::default(),
            figures: Vec::new(),
            log,
        }
    }

    pub(super) fn take_in(&mut self, event: &TrainingEvent<'_>) {
        match *event {
            TrainingEvent::RunStarted { epochs, steps_per_epoch, start_epoch, start_step, .. } => {
                *self = Self::new(self.log.clone());
                self.run = Run::new(epochs, steps_per_epoch, start_epoch, start_step);
                (self.epoch, self.step) = (start_epoch, start_step);
            }
            TrainingEvent::EpochStarted { epoch } => {
                if epoch != self.epoch {
                    self.step = 0;
                }
                self.epoch = epoch;
                self.speed.pause(Instant::now());
            }
            TrainingEvent::StepFinished { step, global_step, loss, learning_rate, samples, .. } => {
                self.step = step + 1;
                self.run.step_done();
                self.last_step = Some((loss, learning_rate));
                self.speed.step(Instant::now(), samples);
                if loss.is_finite() {
                    self.losses.add(global_step as f64, loss);
                }
                if learning_rate.is_finite() {
                    self.rates.add(global_step as f64, learning_rate);
                }
            }
            TrainingEvent::ValidationStarted { batches, .. } => self.validation = Some((0, batches)),
            TrainingEvent::ValidationStep { batch } => {
                self.validation = self.validation.map(|(_, batches)| (batch + 1, batches));
            }
            TrainingEvent::EpochFinished { epoch, train, valid, .. } => {
                self.validation = None;
                self.figures = side_by_side(train, valid);
                if let Some(loss) = valid.and_then(|valid| valid.get("loss")).filter(|loss| loss.is_finite()) {
                    self.valid_losses.add(((epoch + 1) * self.run.steps_per_epoch) as f64, loss);
                }
            }
            _ => {}
        }
    }

    pub(super) fn draw(&self, frame: &mut Frame<'_>) {
        let figures_height = self.figures.len().clamp(1, 8) as u16 + 3;
        let [epochs, steps, line, charts, below] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Min(8),
            Constraint::Length(figures_height.max(7)),
        ])
        .areas(frame.area());
        self.draw_gauges(frame, epochs, steps);
        frame.render_widget(Paragraph::new(self.summary()), line);
        let [losses, rates] =
            Layout::horizontal([Constraint::Percentage(65), Constraint::Percentage(35)]).areas(charts);
        let lines =
            [("train", Color::Cyan, self.losses.points()), ("valid", Color::Yellow, self.valid_losses.points())];
        draw_chart(frame, losses, "loss", &lines);
        draw_chart(frame, rates, "learning rate", &[("", Color::Green, self.rates.points())]);
        let [figures, log] = Layout::horizontal([Constraint::Length(46), Constraint::Min(10)]).areas(below);
        self.draw_figures(frame, figures);
        let lines = self.log.last(LOG_LINES.min(usize::from(log.height.saturating_sub(2))));
        let lines: Vec<Line<'_>> = lines.into_iter().map(Line::from).collect();
        frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" log ")), log);
    }

    fn draw_gauges(&self, frame: &mut Frame<'_>, epochs: Rect, steps: Rect) {
        let (all, steps_per_epoch) = (self.run.epochs, self.run.steps_per_epoch);
        let done = self.epoch * steps_per_epoch + self.step;
        let label = format!("epoch {}/{all}", (self.epoch + 1).min(all));
        frame.render_widget(gauge(label, done, all * steps_per_epoch, Color::Blue), epochs);
        let widget = match self.validation {
            Some((batch, batches)) => gauge(format!("validation {batch}/{batches}"), batch, batches, Color::Yellow),
            None => gauge(format!("step {}/{steps_per_epoch}", self.step), self.step, steps_per_epoch, Color::Cyan),
        };
        frame.render_widget(widget, steps);
    }

    fn summary(&self) -> String {
        let Some((loss, rate)) = self.last_step else { return "waiting for the first step".to_owned() };
        let rate = brief_rate(rate);
        let speed = self.speed.samples_per_second().map_or_else(|| "–".to_owned(), |speed| format!("{speed:.0}"));
        let left = brief_duration(self.run.time_left());
        format!("loss {loss:.4}   lr {rate}   {speed} images/s   {left} left")
    }

    fn draw_figures(&self, frame: &mut Frame<'_>, area: Rect) {
        let value = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"));
        let head = Line::styled(format!("{:<20} {:>10} {:>10}", "last epoch", "train", "valid"), Color::DarkGray);
        let rows = self.figures.iter().map(|(name, train, valid)| {
            let name: String = name.chars().take(20).collect();
            Line::from(format!("{name:<20} {:>10} {:>10}", value(*train), value(*valid)))
        });
        let lines: Vec<Line<'_>> = [head].into_iter().chain(rows).collect();
        frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" figures ")), area);
    }
}

fn side_by_side(train: &Metrics, valid: Option<&Metrics>) -> Vec<(String, Option<f64>, Option<f64>)> {
    let of_valid = |name: &str| valid.and_then(|valid| valid.get(name));
    let mut figures: Vec<_> =
        train.iter().map(|(name, value)| (name.to_owned(), Some(value), of_valid(name))).collect();
    for (name, value) in valid.iter().flat_map(|valid| valid.iter()) {
        if train.get(name).is_none() {
            figures.push((name.to_owned(), None, Some(value)));
        }
    }
    figures
}

fn gauge(label: String, done: usize, all: usize, color: Color) -> Gauge<'static> {
    let ratio = done as f64 / all.max(1) as f64;
    Gauge::default().ratio(ratio.clamp(0.0, 1.0)).label(label).gauge_style(Style::new().fg(color).bg(Color::DarkGray))
}

/// A line's name, colour and points.
type ChartLine<'a> = (&'a str, Color, &'a [(f64, f64)]);

fn draw_chart(frame: &mut Frame<'_>, area: Rect, title: &str, lines: &[ChartLine<'_>]) {
    let points = || lines.iter().flat_map(|(_, _, points)| points.iter());
    let span = |values: &mut dyn Iterator<Item = f64>| {
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        match low.partial_cmp(&high) {
            Some(std::cmp::Ordering::Less) => [low, high],
            Some(std::cmp::Ordering::Equal) => [low - low.abs().max(1e-9) * 0.1, high + high.abs().max(1e-9) * 0.1],
            _ => [0.0, 1.0],
        }
    };
    let x = span(&mut points().map(|(step, _)| *step));
    let y = span(&mut points().map(|(_, value)| *value));
    let datasets = lines.iter().filter(|(_, _, points)| !points.is_empty()).map(|(name, color, points)| {
        let dataset = Dataset::default().marker(Marker::Braille).graph_type(GraphType::Line).data(points);
        let dataset = dataset.style(Style::new().fg(*color));
        if name.is_empty() { dataset } else { dataset.name((*name).to_owned()) }
    });
    let x_labels = x.map(|step| format!("{step:.0}"));
    let chart = Chart::new(datasets.collect())
        .block(Block::bordered().title(format!(" {title} ")))
        .x_axis(Axis::default().bounds(x).labels(x_labels).style(Style::new().fg(Color::DarkGray)))
        .y_axis(Axis::default().bounds(y).labels(y.map(brief_rate)).style(Style::new().fg(Color::DarkGray)));
    frame.render_widget(chart, area);
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::time::Duration;

    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn text(view: &View, columns: u16, rows: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a size");
        terminal.draw(|frame| view.draw(frame)).expect("drawn");
        terminal.backend().to_string()
    }

    fn view() -> View {
        let mut log = Log::default();
        writeln!(log, "a notice").expect("memory");
        let mut view = View::new(log);
        let settings = serde_json::Value::Null;
        view.take_in(&TrainingEvent::RunStarted {
            epochs: 3,
            steps_per_epoch: 10,
            samples_per_epoch: 40,
            start_epoch: 0,
            start_step: 0,
            settings: &settings,
        });
        for global_step in 0..16 {
            if global_step % 10 == 0 {
                view.take_in(&TrainingEvent::EpochStarted { epoch: global_step / 10 });
            }
            view.take_in(&TrainingEvent::StepFinished {
                epoch: global_step / 10,
                step: global_step % 10,
                global_step,
                loss: if global_step == 3 { f64::NAN } else { 1.0 / (global_step + 1) as f64 },
                parts: &[],
                learning_rate: 0.05,
                samples: 4,
                gradient_norm: None,
                loss_scale: None,
                updated: true,
            });
        }
        view
    }

    #[test]
    fn everything_has_its_place() {
        let mut view = view();
        let shown = text(&view, 100, 30);
        for expected in ["epoch 2/3", "step 6/10", "loss 0.0625   lr 0.0500", " loss ", " learning rate ", "a notice"] {
            assert!(shown.contains(expected), "{expected:?} is not in\n{shown}");
        }
        let train = Metrics(vec![("loss".to_owned(), 0.5)]);
        let valid = Metrics(vec![("loss".to_owned(), 0.25), ("accuracy".to_owned(), f64::NAN)]);
        view.take_in(&TrainingEvent::ValidationStarted { epoch: 1, batches: 4 });
        view.take_in(&TrainingEvent::ValidationStep { batch: 1 });
        assert!(text(&view, 100, 30).contains("validation 2/4"));
        view.take_in(&TrainingEvent::EpochFinished {
            epoch: 1,
            train: &train,
            valid: Some(&valid),
            learning_rate: 0.05,
            samples: 40,
            train_time: Duration::from_secs(1),
            time: Duration::from_secs(2),
        });
        let shown = text(&view, 100, 30);
        for expected in ["loss                     0.5000     0.2500", "accuracy                      –        NaN"] {
            assert!(shown.contains(expected), "{expected:?} is not in\n{shown}");
        }
    }

    #[test]
    fn any_size_is_borne() {
        assert!(text(&View::new(Log::default()), 100, 30).contains("waiting for the first step"));
        for view in [view(), View::new(Log::default())] {
            for (columns, rows) in [(1, 1), (10, 3), (40, 8), (300, 100)] {
                text(&view, columns, rows);
            }
        }
    }
}
