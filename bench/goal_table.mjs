// Prints what was measured beside the goals of PERFORMANCE.md: whether they are met, and by how much.

// A ratio (unit "x") should be at least its goal, anything else at most. Above 1 is better than the goal.
const margin = (value, unit, goal) => (unit === 'x' ? value / goal : goal / value);

function verdict(value, unit, goal) {
  if (goal === undefined) return '';
  const times = margin(value, unit, goal);
  return `${goal} ${times >= 1 ? 'met' : 'missed'} (${times >= 10 ? times.toFixed(0) : times.toFixed(2)}x)`;
}

// Each row: number, what, measured, unit, the goals "first" and "then" (none: for information). What could not be
// measured is undefined. False if there is any of that.
export function printGoals(rows) {
  const line = (row, what, value, first, then) =>
      console.log(`${row.padEnd(4)} ${what.padEnd(46)} ${value.padStart(12)} ${first.padStart(20)} ${then.padStart(20)}`.trimEnd());
  line('row', 'what', 'measured', 'first', 'then');
  for (const [row, what, value, unit, first, then] of rows) {
    if (value === undefined) line(row, what, 'not measured', '', '');
    else line(row, what, value.toFixed(2) + unit, verdict(value, unit, first), verdict(value, unit, then));
  }
  return rows.every(([, , value]) => value !== undefined);
}
