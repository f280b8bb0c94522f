//! The figures of a run as a table, as JSON and as a page.

use std::{fmt, fs, path::Path};

use serde::Serialize;

use crate::Result;

/// A figure of the store and its baseline in the same run.
#[derive(Debug, Serialize)]
pub struct Figure {
    name: &'static str,
    unit: &'static str,
    /// Median of the rounds.
    ours: f64,
    /// Median of the rounds.
    against: f64,
    ratio: f64,
    /// The least ratio that meets the target.
    reach: f64,
}

impl Figure {
    /// Creates a figure from the rounds of the store and of the baseline.
    pub fn new(
        name: &'static str,
        unit: &'static str,
        ours: &[f64],
        against: &[f64],
        reach: f64,
    ) -> Self {
        let (ours, against) = (median(ours), median(against));
        Self { name, unit, ours, against, ratio: ours / against, reach }
    }
}

fn median(rounds: &[f64]) -> f64 {
    let mut sorted = rounds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// All figures of a run.
#[derive(Debug)]
pub struct Report(Vec<Figure>);

impl Report {
    /// Creates a report with the figures in this order.
    pub fn new(figures: Vec<Figure>) -> Self {
        Self(figures)
    }

    /// Writes `report.json` and `report.html` into `folder`.
    pub fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("report.json"), serde_json::to_string_pretty(&self.0)?)?;
        fs::write(folder.join("report.html"), self.page())?;
        Ok(())
    }

    /// Returns a page with each ratio as a bar, and a mark at the ratio to reach.
    fn page(&self) -> String {
        let rows = self.0.iter().map(|figure| {
            let Figure { name, unit, ours, against, ratio, reach } = figure;
            let scale = 400.0 / ratio.max(*reach);
            let (bar, mark) = (ratio * scale, reach * scale);
            let colour = if ratio >= reach { "#2a7d4f" } else { "#b5482f" };
            format!(
                "<tr><th>{name}<td>{ours:.0} {unit}<td>{against:.0}<td>{ratio:.2}<td>{reach}<td>\
                 <svg width='410' height='18'><rect width='{bar:.0}' height='14' y='2' fill='{colour}'/>\
                 <path d='M{mark:.0} 0v18' stroke='#222' stroke-width='2'/></svg>"
            )
        });
        let rows: String = rows.collect();
        format!(
            "<!doctype html><meta charset=utf-8><title>Shopmesh bench</title>\
             <style>body{{font:15px system-ui;margin:2em}}td,th{{padding:.3em .8em;text-align:left}}\
             </style><h1>Shopmesh bench</h1><p>Medians of the rounds of one run on one machine.\
             <table><tr><th>figure<th>ours<th>against<th>ratio<th>reach<th>{rows}</table>\n"
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<24}{:>10}{:>10}{:>8}{:>8}", "figure", "ours", "against", "ratio", "reach")?;
        for Figure { name, ours, against, ratio, reach, .. } in &self.0 {
            writeln!(f, "{name:<24}{ours:>10.0}{against:>10.0}{ratio:>8.2}{reach:>8.1}")?;
        }
        Ok(())
    }
}
