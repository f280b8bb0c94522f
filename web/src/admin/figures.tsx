// Numbers in a row, each with its label.

export function Figures(props: { figures: [label: string, value: string][] }) {
  return (
    <dl class="figures">
      {props.figures.map(([label, value]) => (
        <div>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
