//! From the paper's four numbers to widths and depths of stages (section 3.3): a line of widths, one for each block, drawn to the
//! nearest step of a geometric series, and the blocks of one step made a stage.

use super::net::RegNetConfig;
use crate::layers::make_divisible;

/// Widths are multiples of this.
const QUANTUM: f64 = 8.0;

/// Blocks of one width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegNetStage {
    /// Channels of its output and of its 3×3 convolutions.
    pub width: usize,
    /// How many blocks.
    pub depth: usize,
    /// Channels of each group of the 3×3 convolutions.
    pub group_width: usize,
}

impl RegNetConfig {
    /// The stages these numbers lead to.
    ///
    /// # Example
    /// ```
    /// use mvl_models::backbones::regnet::RegNetConfig;
    /// let stages = RegNetConfig::new(22, 24, 24.48, 2.54, 16).stages(); // regnet_x_400mf
    /// let shape: Vec<_> = stages.iter().map(|stage| (stage.width, stage.depth)).collect();
    /// assert_eq!(shape, [(32, 1), (64, 2), (160, 7), (400, 12)]);
    /// ```
    pub fn stages(&self) -> Vec<RegNetStage> {
        let first = self.first_width as f64;
        let mut stages: Vec<RegNetStage> = Vec::new();
        let mut last_width = 0;
        for block in 0..self.depth {
            let on_the_line = first + self.slope * block as f64;
            let step = ((on_the_line / first).ln() / self.factor.ln()).round_ties_even();
            let width = ((first * self.factor.powf(step) / QUANTUM).round_ties_even() * QUANTUM) as usize;
            match stages.last_mut() {
                Some(stage) if width == last_width => stage.depth += 1,
                _ => {
                    let group_width = self.group_width.min(width);
                    let width = make_divisible(width as f64, group_width);
                    stages.push(RegNetStage { width, depth: 1, group_width });
                }
            }
            last_width = width;
        }
        stages
    }
}
