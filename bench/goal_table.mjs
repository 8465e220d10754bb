// Prints what was measured beside the goals of PERFORMANCE.md, and whether they are met.

const met = (value, unit, goal) => {
  if (goal === undefined) return '';
  return (unit === 'x' ? value >= goal : value <= goal) ? 'met' : 'missed';
};

// Each row: number, what, measured, unit, the goals "first" and "then" (none: for information). A ratio (unit "x")
// should be at least its goal, anything else at most.
export function printGoals(rows) {
  console.log(`row  ${'what'.padEnd(46)} ${'measured'.padStart(10)} ${'first'.padStart(16)} ${'then'.padStart(16)}`);
  for (const [row, what, value, unit, first, then] of rows) {
    const goals = [first, then].map((goal) =>
        `${goal ?? ''} ${met(value, unit, goal).padStart(6)}`.padStart(16));
    console.log(`${row.padEnd(4)} ${what.padEnd(46)} ${(value.toFixed(2) + unit).padStart(10)} ${goals.join(' ')}`.trimEnd());
  }
}
