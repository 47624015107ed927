//! The live view of `oxuv top`.

use crate::error::{Context, Result};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Modifier, Style, Stylize};
use ratatui::text::Line;
use ratatui::widgets::{Block, Cell, Paragraph, Row, Sparkline, Table, TableState};
use ratatui::{DefaultTerminal, Frame};
use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A loop as the view shows it.
pub struct LoopRow {
    /// Which loop it is: the process and the address.
    pub id: (i32, u64),
    /// The columns from `PID` to `P99`, and the callback that runs.
    pub cells: [String; 9],
    /// From 0 to 1.
    pub utilization: f64,
    pub events: f64,
    /// In nanoseconds.
    pub delay: u64,
    /// The program, the slowest callbacks and the pool, in lines.
    pub details: Vec<String>,
}

const HEADER: [&str; 9] =
    ["PID", "LOOP OF THREAD", "BUSY", "ITER/S", "EVENTS/S", "DELAY", "P50", "P99", "RUNS"];
const WIDTHS: [Constraint; 9] = [
    Constraint::Length(7),
    Constraint::Length(22),
    Constraint::Length(5),
    Constraint::Length(9),
    Constraint::Length(9),
    Constraint::Length(9),
    Constraint::Length(9),
    Constraint::Length(9),
    Constraint::Min(20),
];
/// How many past utilizations are shown.
const PAST: usize = 120;

/// The order of the rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Order {
    Busy,
    Events,
    Delay,
}

#[derive(Default)]
struct View {
    rows: Vec<LoopRow>,
    chosen: Option<(i32, u64)>,
    order: Option<Order>,
    /// Utilizations in percent, by loop.
    past: HashMap<(i32, u64), VecDeque<u64>>,
    /// Why there is nothing to show.
    message: String,
}

/// Something that the view waits for is ready, or it is to end.
enum Waited {
    Elapsed,
    Quit,
}

/// Shows loops until the user ends it or the process asks to end. `measure` begins an interval when it is called
/// and ends it when the function that it is given returns; it returns the rows of the interval.
pub fn show(
    mut measure: impl FnMut(&mut dyn FnMut()) -> Result<Vec<LoopRow>>,
    interval: Duration,
) -> Result {
    let ended = Arc::new(AtomicBool::new(false));
    for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT] {
        signal_hook::flag::register(signal, ended.clone()).context("cannot handle signals")?;
    }
    // The terminal is restored also when this process panics.
    let mut terminal = ratatui::try_init().context("cannot use the terminal")?;
    let mut view = View { message: "measuring".to_owned(), ..View::default() };
    let result = loop {
        let mut waited = Ok(Waited::Elapsed);
        let rows = measure(&mut || waited = view.wait(&mut terminal, interval, &ended));
        match waited {
            Ok(Waited::Elapsed) => {}
            Ok(Waited::Quit) => break Ok(()),
            Err(error) => break Err(error).context("cannot use the terminal"),
        }
        match rows {
            Ok(rows) => view.renew(rows),
            Err(error) => break Err(error),
        }
    };
    ratatui::restore();
    result
}

impl View {
    /// Draws, and handles keys until the interval has elapsed.
    fn wait(
        &mut self,
        terminal: &mut DefaultTerminal,
        interval: Duration,
        ended: &AtomicBool,
    ) -> std::io::Result<Waited> {
        /// How often it looks whether a signal came.
        const SLICE: Duration = Duration::from_millis(100);
        let end = Instant::now() + interval;
        terminal.draw(|frame| self.draw(frame))?;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if ended.load(Ordering::Relaxed) {
                return Ok(Waited::Quit);
            }
            if left.is_zero() {
                return Ok(Waited::Elapsed);
            }
            if !event::poll(left.min(SLICE))? {
                continue;
            }
            match event::read()? {
                Event::Key(key) if key.kind == KeyEventKind::Press => {
                    if !self.handle(key) {
                        return Ok(Waited::Quit);
                    }
                }
                Event::Resize(..) => {}
                _ => continue,
            }
            terminal.draw(|frame| self.draw(frame))?;
        }
    }

    /// Returns whether the view goes on.
    fn handle(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c' | 'd') if control => return false,
            KeyCode::Char('q') | KeyCode::Esc => return false,
            KeyCode::Char('b') => self.sort(Order::Busy),
            KeyCode::Char('e') => self.sort(Order::Events),
            KeyCode::Char('d') => self.sort(Order::Delay),
            KeyCode::Down | KeyCode::Char('j') => self.choose(1),
            KeyCode::Up | KeyCode::Char('k') => self.choose(-1),
            _ => {}
        }
        true
    }

    fn renew(&mut self, rows: Vec<LoopRow>) {
        let mut past = HashMap::new();
        for row in &rows {
            let mut values = self.past.remove(&row.id).unwrap_or_default();
            values.push_back((row.utilization * 100.0).round() as u64);
            if values.len() > PAST {
                values.pop_front();
            }
            past.insert(row.id, values);
        }
        self.past = past;
        self.rows = rows;
        self.message = "no loop of oxuv runs".to_owned();
        self.sort(self.order.unwrap_or(Order::Busy));
    }

    fn sort(&mut self, order: Order) {
        self.order = Some(order);
        let number = |value: f64| value.max(0.0) as u64;
        self.rows.sort_by_key(|row| {
            let first = match order {
                Order::Busy => number(row.utilization * 1e6),
                Order::Events => number(row.events),
                Order::Delay => row.delay,
            };
            (Reverse(first), row.id)
        });
    }

    fn chosen(&self) -> Option<usize> {
        let found = self.rows.iter().position(|row| Some(row.id) == self.chosen);
        found.or((!self.rows.is_empty()).then_some(0))
    }

    /// Chooses the loop so many rows below.
    fn choose(&mut self, step: isize) {
        let Some(now) = self.chosen() else { return };
        let next = now.saturating_add_signed(step).min(self.rows.len() - 1);
        self.chosen = Some(self.rows[next].id);
    }

    fn draw(&self, frame: &mut Frame<'_>) {
        let chosen = self.chosen();
        let table = self.rows.len() as u16 + 1;
        let [top, loops, past, details] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Max(table.min(frame.area().height / 2)),
            Constraint::Length(4),
            Constraint::Min(0),
        ])
        .areas(frame.area());
        let order = self.order.unwrap_or(Order::Busy);
        let keys = " q quit  ↑↓ choose  sort by: b busy, e events, d delay";
        frame.render_widget(Line::from(format!("oxuv top, by {order:?}{keys}")).bold(), top);
        let rows = self.rows.iter().map(|row| {
            let style = match row.utilization {
                busy if busy > 0.9 => Style::new().red(),
                busy if busy > 0.5 => Style::new().yellow(),
                _ => Style::new(),
            };
            Row::new(row.cells.iter().map(|cell| Cell::from(cell.as_str()))).style(style)
        });
        let table = Table::new(rows, WIDTHS)
            .header(Row::new(HEADER).add_modifier(Modifier::REVERSED))
            .row_highlight_style(Modifier::BOLD)
            .highlight_symbol("> ");
        let mut state = TableState::default().with_selected(chosen);
        frame.render_stateful_widget(table, loops, &mut state);
        let Some(row) = chosen.and_then(|index| self.rows.get(index)) else {
            frame.render_widget(Line::from(self.message.as_str()), past);
            return;
        };
        let values: Vec<u64> = self.past.get(&row.id).into_iter().flatten().copied().collect();
        let title = format!("busy, the last {} s", values.len());
        let graph =
            Sparkline::default().data(&values).max(100).block(Block::bordered().title(title));
        frame.render_widget(graph, past);
        let lines: Vec<_> = row.details.iter().map(|line| Line::from(line.as_str())).collect();
        frame.render_widget(Paragraph::new(lines), details);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u64, utilization: f64, events: f64) -> LoopRow {
        let (id, details) = ((1, number), vec![format!("details of {number}")]);
        LoopRow { id, cells: Default::default(), utilization, events, delay: number, details }
    }

    #[test]
    fn the_chosen_loop_stays_chosen_in_another_order() {
        let mut view = View::default();
        view.renew(vec![row(1, 0.1, 9.0), row(2, 0.9, 1.0), row(3, 0.5, 5.0)]);
        let ids = |view: &View| view.rows.iter().map(|row| row.id.1).collect::<Vec<_>>();
        assert_eq!(ids(&view), [2, 3, 1]);
        let press = |view: &mut View, code| view.handle(KeyEvent::from(code));
        assert!(press(&mut view, KeyCode::Down));
        assert_eq!(view.chosen(), Some(1));
        assert!(press(&mut view, KeyCode::Char('e')));
        assert_eq!((ids(&view), view.chosen()), (vec![1, 3, 2], Some(1)));
        assert!(press(&mut view, KeyCode::Char('d')));
        assert_eq!((ids(&view), view.chosen()), (vec![3, 2, 1], Some(0)));
        assert!(press(&mut view, KeyCode::Up));
        assert_eq!(view.chosen(), Some(0));
        // It has ended.
        view.renew(vec![row(1, 0.1, 9.0)]);
        assert_eq!(view.chosen(), Some(0));
        assert!(!press(&mut view, KeyCode::Char('q')));
    }
}
