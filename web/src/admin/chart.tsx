// A bar chart with its table. It is our own SVG: it takes its colours from the tokens, stays sharp,
// and needs no inline style. The value of the bar under the pointer is shown above the chart.
import { createMemo, createSignal, createUniqueId, For } from "solid-js";
import { type ActiveBar, ChartPlot, type Point } from "./chart-plot";
import { TableHead } from "./rows";

export function Chart(props: {
  title: string;
  /** The total, which is shown while the pointer is on no bar, and its label. */
  total: string;
  totalLabel: string;
  points: Point[];
  /** Formats a value of the axis. */
  formatAxis: (value: number) => string;
  /** All values are whole numbers. */
  whole?: boolean;
}) {
  const id = createUniqueId();
  const [activeIndex, setActiveIndex] = createSignal<number>();
  // Computed once for each change of the data, because every bar and row reads them.
  const points = createMemo(() => props.points);
  const activePoint = () => points()[activeIndex() ?? -1];
  const active: ActiveBar = { index: activeIndex, setIndex: setActiveIndex };
  return (
    <section class="panel chart" aria-labelledby={id}>
      <div class="chart-plot">
        <h2 id={id}>{props.title}</h2>
        <p class="readout">
          <strong class="price">{activePoint()?.formatted ?? props.total}</strong>
          <span class="muted">{activePoint()?.label ?? props.totalLabel}</span>
        </p>
        <ChartPlot
          title={props.title}
          points={points()}
          formatAxis={props.formatAxis}
          whole={props.whole === true}
          active={active}
        />
      </div>
      <ChartTable title={props.title} points={points()} active={active} />
    </section>
  );
}

function ChartTable(props: { title: string; points: Point[]; active: ActiveBar }) {
  const latestFirst = createMemo(() =>
    props.points.map((point, index) => ({ point, index })).reverse(),
  );
  return (
    // biome-ignore lint/a11y/useSemanticElements: it is not a group of fields, it only scrolls
    <div class="chart-table" tabindex="0" role="group" aria-label={`${props.title}, every figure`}>
      <table class="data" aria-label={props.title}>
        <TableHead columns={[{ heading: "Period" }, { heading: props.title, class: "number" }]} />
        <tbody>
          <For each={latestFirst()}>
            {({ point, index }) => (
              <tr
                classList={{ active: index === props.active.index() }}
                onPointerEnter={() => props.active.setIndex(index)}
                onPointerLeave={() => props.active.setIndex(undefined)}
              >
                <th scope="row">{point.label}</th>
                <td class="number">{point.formatted}</td>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </div>
  );
}
