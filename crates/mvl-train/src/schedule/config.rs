//! A schedule as a person writes it: a shape, the unit it counts in, and a warm-up before it.
//!
//! # Source
//! Warm-up: Goyal et al. 2017, <https://arxiv.org/abs/1706.02677>.

use mvl_core::Monitor;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::{ConstantSchedule, Schedule, ScheduleShape};
use crate::problems::Problems;

/// How the learning rate changes over the run, as a person writes it: `{ name = "cosine", warmup_epochs = 5 }`.
///
/// The keys of the shape stand beside those of the warm-up, and unknown ones are errors. The shape begins after the warm-up
/// and counts from there.
///
/// # Example
/// ```
/// use mvl_train::ScheduleConfig;
/// let config: ScheduleConfig = serde_json::from_str(r#"{"name": "cosine", "warmup_epochs": 0.5}"#).expect("valid");
/// let schedule = config.init(0.1, 4, 2); // base rate, steps per epoch, epochs
/// assert_eq!(schedule.learning_rate(0), 0.05); // first of two warm-up steps
/// assert_eq!(schedule.learning_rate(1), 0.1);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ScheduleConfig {
    /// What comes after the warm-up.
    #[serde(flatten)]
    pub shape: ScheduleShape,
    /// What the shape counts, and when the rate changes. Left out, `step` for shapes that are as long as the run (constant,
    /// linear, cosine, one cycle, polynomial) and `epoch` for those that are written with counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<ScheduleUnit>,
    /// Epochs, or parts of one, over which the rate rises linearly to its full value, with every step.
    #[serde(skip_serializing_if = "is_zero")]
    pub warmup_epochs: f64,
    /// The same in steps.
    #[serde(skip_serializing_if = "is_none")]
    pub warmup_steps: usize,
    /// The factor of the base rate that the warm-up begins with, as in PyTorch's `LinearLR`. Left out, `1 / W` with `W`
    /// steps, of which the last has the full rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warmup_factor: Option<f64>,
}

/// What a schedule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleUnit {
    /// The rate changes with every step.
    Step,
    /// The rate changes between epochs.
    Epoch,
}

fn is_zero(epochs: &f64) -> bool {
    *epochs == 0.0
}

fn is_none(steps: &usize) -> bool {
    *steps == 0
}

/// The keys beside those of the shape.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Timing {
    by: Option<ScheduleUnit>,
    warmup_epochs: f64,
    warmup_steps: usize,
    warmup_factor: Option<f64>,
}

const TIMING_KEYS: [&str; 4] = ["by", "warmup_epochs", "warmup_steps", "warmup_factor"];
const USUAL_NAME: &str = "cosine";

impl<'de> Deserialize<'de> for ScheduleConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let keys = Map::<String, Value>::deserialize(deserializer)?;
        let (timing, mut shape): (Map<_, _>, Map<_, _>) =
            keys.into_iter().partition(|(key, _)| TIMING_KEYS.contains(&key.as_str()));
        shape.entry("name").or_insert_with(|| USUAL_NAME.into());
        let shape = ScheduleShape::deserialize(Value::Object(shape)).map_err(|error| {
            let message = error.to_string();
            let more = if message.starts_with("unknown field") {
                format!(", or beside these `{}`", TIMING_KEYS.join("`, `"))
            } else {
                String::new()
            };
            D::Error::custom(message + &more)
        })?;
        let Timing { by, warmup_epochs, warmup_steps, warmup_factor } =
            Timing::deserialize(Value::Object(timing)).map_err(D::Error::custom)?;
        Ok(Self { shape, by, warmup_epochs, warmup_steps, warmup_factor })
    }
}

impl From<ScheduleShape> for ScheduleConfig {
    fn from(shape: ScheduleShape) -> Self {
        Self { shape, ..Self::default() }
    }
}

impl ScheduleConfig {
    /// The base rate to the end.
    pub fn constant() -> Self {
        ScheduleShape::Constant(ConstantSchedule::default()).into()
    }

    /// Half a cosine down to 0.
    pub fn cosine() -> Self {
        Self::default()
    }

    /// Sets the unit.
    pub fn with_unit(mut self, unit: ScheduleUnit) -> Self {
        self.by = Some(unit);
        self
    }

    /// Sets the warm-up, in epochs.
    pub fn with_warmup_epochs(mut self, epochs: f64) -> Self {
        self.warmup_epochs = epochs;
        self
    }

    /// Sets the warm-up, in steps.
    pub fn with_warmup_steps(mut self, steps: usize) -> Self {
        self.warmup_steps = steps;
        self
    }

    /// Sets the factor that the warm-up begins with.
    pub fn with_warmup_factor(mut self, factor: f64) -> Self {
        self.warmup_factor = Some(factor);
        self
    }

    /// What the shape counts.
    pub fn unit(&self) -> ScheduleUnit {
        self.by.unwrap_or_else(|| self.shape.usual_unit())
    }

    /// The figure that decides about the rate, if one does: a plateau's own, or else `usual`.
    pub fn watches<'a>(&'a self, usual: &'a Monitor) -> Option<&'a Monitor> {
        match &self.shape {
            ScheduleShape::Plateau(plateau) => Some(plateau.watches(usual)),
            _ => None,
        }
    }

    /// What is wrong with it, each with its field; empty when it can be used.
    pub fn problems(&self, epochs: usize) -> Vec<String> {
        let mut problems = Problems::default();
        let warmup = self.warmup_epochs;
        let fits = warmup >= 0.0 && warmup <= epochs as f64;
        problems.expect(fits, "warmup_epochs", &format!("0 to the run's {epochs} epochs"), warmup);
        let steps = self.warmup_steps;
        problems.expect(steps == 0 || warmup == 0.0, "warmup_steps", "none beside warmup_epochs", steps);
        let warms_up = steps > 0 || warmup != 0.0;
        if let Some(factor) = self.warmup_factor {
            problems.share("warmup_factor", factor);
            problems.expect(warms_up, "warmup_factor", "warmup_epochs or warmup_steps beside it", "none");
        }
        match self.shape {
            ScheduleShape::OneCycle(_) => {
                let (field, got) = if steps > 0 { ("warmup_steps", steps as f64) } else { ("warmup_epochs", warmup) };
                problems.expect(!warms_up, field, "none, one_cycle rises by itself", got);
            }
            ScheduleShape::Plateau(_) => {
                problems.expect(self.unit() == ScheduleUnit::Epoch, "by", "epoch, which plateau waits for", "step");
            }
            _ => {}
        }
        problems.within("", self.shape.problems());
        problems.list()
    }

    /// The schedule of a run of `epochs` of `steps_per_epoch` steps with this base rate.
    pub fn init(&self, base: f64, steps_per_epoch: usize, epochs: usize) -> Schedule {
        Schedule::new(self, base, steps_per_epoch, epochs)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        ComposedSchedule, CosineRestartsSchedule, ExponentialSchedule, LinearSchedule, MultiStepSchedule,
        OneCycleSchedule, PlateauSchedule, PolynomialSchedule, StepSchedule,
    };
    use super::*;

    fn read(json: &str) -> Result<ScheduleConfig, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn every_shape_is_written_and_read() {
        let shapes = [
            ScheduleShape::Constant(ConstantSchedule { factor: 0.5 }),
            ScheduleShape::Linear(LinearSchedule { length: Some(7), ..LinearSchedule::default() }),
            ScheduleShape::default(),
            ScheduleShape::CosineRestarts(CosineRestartsSchedule::new(3)),
            ScheduleShape::OneCycle(OneCycleSchedule::default()),
            ScheduleShape::Polynomial(PolynomialSchedule::default()),
            ScheduleShape::Step(StepSchedule::new(2)),
            ScheduleShape::MultiStep(MultiStepSchedule::new([1, 3])),
            ScheduleShape::Exponential(ExponentialSchedule { factor: 0.9 }),
            ScheduleShape::Composed(ComposedSchedule {
                milestones: vec![2],
                parts: vec![ScheduleShape::default(), ScheduleShape::Step(StepSchedule::new(1))],
            }),
            ScheduleShape::Plateau(PlateauSchedule::default()),
        ];
        for shape in shapes {
            let config = ScheduleConfig::from(shape);
            let json = serde_json::to_string(&config).expect("plain data");
            assert_eq!(read(&json), Ok(config.clone()), "{json}");
            assert_eq!(config.problems(10), [""; 0], "{json}");
        }
        let config =
            ScheduleConfig::cosine().with_warmup_steps(5).with_warmup_factor(0.1).with_unit(ScheduleUnit::Epoch);
        let json = serde_json::to_string(&config).expect("plain data");
        assert_eq!(json, r#"{"name":"cosine","min_factor":0.0,"by":"epoch","warmup_steps":5,"warmup_factor":0.1}"#);
        assert_eq!(read(&json), Ok(config));
        assert_eq!(read("{}"), Ok(ScheduleConfig::default()));
    }

    #[test]
    fn misspelt_keys_and_names_are_errors() {
        let error = read(r#"{"name": "step", "period": 3, "warmup": 1}"#).expect_err("misspelt");
        assert!(
            error.starts_with("unknown field `warmup`, expected `period` or `factor`, or beside these `by`"),
            "{error}"
        );
        let error = read(r#"{"name": "step"}"#).expect_err("no period");
        assert!(error.starts_with("missing field `period`"), "{error}");
        let error = read(r#"{"name": "cosin"}"#).expect_err("misspelt");
        assert!(error.starts_with("unknown variant `cosin`"), "{error}");
        let error = read(r#"{"by": "hour"}"#).expect_err("no unit");
        assert!(error.starts_with("unknown variant `hour`"), "{error}");
    }

    #[test]
    fn problems_are_named() {
        let problems = |json: &str| read(json).expect("well formed").problems(3);
        assert_eq!(
            problems(
                r#"{"name": "cosine", "warmup_epochs": 4, "warmup_steps": 1, "warmup_factor": 2, "min_factor": 2}"#
            ),
            [
                "warmup_epochs: expected 0 to the run's 3 epochs, got 4",
                "warmup_steps: expected none beside warmup_epochs, got 1",
                "warmup_factor: expected 0 to 1, got 2",
                "min_factor: expected 0 to 1, got 2",
            ]
        );
        assert_eq!(
            problems(r#"{"name": "one_cycle", "warmup_epochs": 1, "pct_start": 0.6, "three_phase": true}"#),
            [
                "warmup_epochs: expected none, one_cycle rises by itself, got 1",
                "pct_start: expected at most 0.5 with three phases, got 0.6",
            ]
        );
        assert_eq!(
            problems(
                r#"{"name": "composed", "milestones": [4, 2], "parts": [{"name": "plateau"}, {"name": "step", "period": 0}]}"#
            ),
            [
                "milestones: expected rising numbers from 1, got [4, 2]",
                "parts: expected 3, one more than milestones, got 2",
                "parts[0]: expected a shape that does not wait for a figure, got plateau",
                "parts[1].period: expected at least 1, got 0",
            ]
        );
        assert_eq!(
            problems(r#"{"name": "plateau", "by": "step", "factor": 1, "warmup_factor": 0.5}"#),
            [
                "warmup_factor: expected warmup_epochs or warmup_steps beside it, got none",
                "by: expected epoch, which plateau waits for, got step",
                "factor: expected a number between 0 and 1, got 1",
            ]
        );
        let config = ScheduleConfig::constant().with_warmup_epochs(f64::NAN);
        assert_eq!(config.problems(3), ["warmup_epochs: expected 0 to the run's 3 epochs, got NaN"]);
        assert_eq!(ScheduleConfig::cosine().with_warmup_epochs(3.0).problems(3), [""; 0]);
    }
}
