//! What stands beside a figure: how busy the machine was, and which of many is the one to report.

use std::fs;

/// The load average of the last minute; `?` where the system does not say.
pub fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("?").to_owned()
}

/// How many seconds of a core this process has taken; 0 where the system does not say.
pub fn cpu_seconds() -> f64 {
    /// What Linux counts in, on every machine that we know of.
    const TICKS_A_SECOND: f64 = 100.0;
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program may hold anything, and ends with the last bracket.
    let fields = text.rsplit(')').next().unwrap_or_default();
    let of_us = fields.split_whitespace().skip(11).take(2);
    let ticks = of_us.filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS_A_SECOND
}

/// The figure that this part of all figures, from 0 to 1, does not exceed; 0 of none.
pub fn quantile(figures: &[f64], part: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() as f64 * part).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// The one in the middle.
pub fn median(figures: &[f64]) -> f64 {
    quantile(figures, 0.5)
}
