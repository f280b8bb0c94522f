// A bar chart with its table: own SVG, since it takes its colours from the tokens, stays sharp, and
// needs no inline style. Reading on a bar shows its figure above the chart.
import { createMemo, createSignal, createUniqueId, For, onCleanup, onMount, Show } from "solid-js";

export interface Point {
  /** The period in full, and as it stands below its bar. */
  full: string;
  short: string;
  /** The height of the bar, and what it stands for. */
  value: number;
  words: string;
}

const HEIGHT = 220;
const FOOT = 26;
const HEAD = 10;
const PLOT = HEIGHT - FOOT - HEAD;
const LINES_MAX = 4;
/** Of a letter of a label, about. */
const LETTER_WIDTH = 7.5;
const LABEL_GAP = 14;
const BAR_WIDTH_MAX = 44;

export function Chart(props: {
  title: string;
  /** What stands above the chart while no bar is read, and what that is. */
  sum: string;
  sumWords: string;
  points: Point[];
  /** How a value stands beside its line. */
  axis: (value: number) => string;
  whole?: boolean;
}) {
  const id = createUniqueId();
  const [read, setRead] = createSignal<number>();
  // Made once for each answer: every bar and row asks for them.
  const points = createMemo(() => props.points);
  const point = () => points()[read() ?? -1];
  const latestFirst = createMemo(() =>
    points()
      .map((point, index) => ({ point, index }))
      .reverse(),
  );
  return (
    <section class="panel chart" aria-labelledby={id}>
      <div class="chart-plot">
        <h2 id={id}>{props.title}</h2>
        <p class="readout">
          <strong class="price">{point()?.words ?? props.sum}</strong>
          <span class="muted">{point()?.full ?? props.sumWords}</span>
        </p>
        <Plot
          title={props.title}
          points={points()}
          axis={props.axis}
          whole={props.whole === true}
          read={read()}
          onRead={setRead}
        />
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: it is no group of fields, it scrolls */}
      <div
        class="chart-table"
        tabindex="0"
        role="group"
        aria-label={`${props.title}, every figure`}
      >
        <table class="data" aria-label={props.title}>
          <thead>
            <tr>
              <th scope="col">Period</th>
              <th scope="col" class="number">
                {props.title}
              </th>
            </tr>
          </thead>
          <tbody>
            <For each={latestFirst()}>
              {({ point, index }) => (
                <tr
                  classList={{ read: index === read() }}
                  onPointerEnter={() => setRead(index)}
                  onPointerLeave={() => setRead(undefined)}
                >
                  <th scope="row">{point.full}</th>
                  <td class="number">{point.words}</td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Plot(props: {
  title: string;
  points: Point[];
  axis: (value: number) => string;
  whole: boolean;
  read: number | undefined;
  onRead: (index: number | undefined) => void;
}) {
  let svg!: SVGSVGElement;
  const [width, setWidth] = createSignal(600);
  onMount(() => {
    const observer = new ResizeObserver(([entry]) => entry && setWidth(entry.contentRect.width));
    observer.observe(svg);
    onCleanup(() => observer.disconnect());
  });

  const lines = createMemo(() => {
    const greatest = Math.max(0, ...props.points.map(({ value }) => value));
    const step = niceStep(greatest / LINES_MAX, props.whole);
    const count = Math.max(1, Math.ceil(greatest / step));
    return Array.from({ length: count + 1 }, (_, line) => line * step);
  });
  const y = (value: number) => HEAD + PLOT * (1 - value / (lines().at(-1) ?? 1));
  const side = createMemo(() => widest(lines().map(props.axis)) + LABEL_GAP);
  const slot = () => (width() - side()) / Math.max(1, props.points.length);
  const bar = () => Math.min(BAR_WIDTH_MAX, slot() > 4 ? slot() * 0.72 : slot());
  const x = (index: number) => side() + index * slot() + (slot() - bar()) / 2;
  const shape = (index: number, value: number) =>
    `M${x(index)} ${HEAD + PLOT}V${y(value)}h${bar()}V${HEAD + PLOT}z`;
  const bars = () => props.points.map(({ value }, index) => shape(index, value)).join("");
  const labelWidth = createMemo(() => widest(props.points.map(({ short }) => short)) + LABEL_GAP);
  const isLabelled = (index: number) =>
    index % Math.ceil(labelWidth() / slot()) === 0 &&
    x(index) + labelWidth() <= width() + LABEL_GAP;

  const readAt = (event: PointerEvent) => {
    const along = event.clientX - svg.getBoundingClientRect().left - side();
    const index = Math.floor(along / slot());
    props.onRead(Math.min(props.points.length - 1, Math.max(0, index)));
  };
  return (
    <svg
      ref={svg}
      class="plot"
      viewBox={`0 0 ${width()} ${HEIGHT}`}
      role="img"
      aria-label={`${props.title}: bars, the figures are in the table`}
      onPointerMove={readAt}
      onPointerDown={readAt}
      onPointerLeave={() => props.onRead(undefined)}
    >
      <For each={lines()}>
        {(value) => (
          <>
            <path class="grid-line" d={`M${side()} ${y(value)}H${width()}`} />
            <text class="tick value" x={side() - 8} y={y(value) + 4}>
              {props.axis(value)}
            </text>
          </>
        )}
      </For>
      <path class="bars" d={bars()} />
      <Show when={props.points[props.read ?? -1]}>
        {(point) => (
          <>
            <path class="guide" d={`M${x(props.read ?? 0) + bar() / 2} ${HEAD}V${HEAD + PLOT}`} />
            <path class="bars read" d={shape(props.read ?? 0, point().value)} />
          </>
        )}
      </Show>
      <For each={props.points}>
        {(point, index) => (
          <Show when={isLabelled(index())}>
            <text class="tick" x={x(index())} y={HEIGHT - 8}>
              {point.short}
            </text>
          </Show>
        )}
      </For>
    </svg>
  );
}

function widest(labels: string[]): number {
  return Math.max(0, ...labels.map(({ length }) => length)) * LETTER_WIDTH;
}

/** The least of 1, 2 and 5 times a power of ten that is no less. */
function niceStep(least: number, whole: boolean): number {
  if (least <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= least) ?? 10;
  return whole ? Math.max(1, step * power) : step * power;
}
