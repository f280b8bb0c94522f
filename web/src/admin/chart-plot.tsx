// The drawing of a bar chart.
import { createMemo, createSignal, For, onCleanup, onMount, Show } from "solid-js";

export interface Point {
  /** The period, in the table and below its bar. */
  label: string;
  shortLabel: string;
  /** The height of the bar, and the exact value as text. */
  value: number;
  formatted: string;
}

/** The bar under the pointer, in the chart or its table. */
export interface ActiveBar {
  index(): number | undefined;
  setIndex(index: number | undefined): void;
}

const HEIGHT = 220;
const MARGIN_TOP = 10;
const MARGIN_BOTTOM = 26;
const PLOT_HEIGHT = HEIGHT - MARGIN_TOP - MARGIN_BOTTOM;
const PLOT_BOTTOM = MARGIN_TOP + PLOT_HEIGHT;
const GRID_LINES_MAX = 4;
/** Approximate. */
const LETTER_WIDTH = 7.5;
const LABEL_GAP = 14;
const BAR_WIDTH_MAX = 44;

interface PlotProps {
  title: string;
  points: Point[];
  formatAxis: (value: number) => string;
  whole: boolean;
  active: ActiveBar;
}

export function ChartPlot(props: PlotProps) {
  let svg!: SVGSVGElement;
  const width = createWidth(() => svg);
  const scale = createScale(props, width);
  const activateAt = (event: PointerEvent) =>
    props.active.setIndex(scale.indexAt(event.clientX - svg.getBoundingClientRect().left));
  const activeIndex = () => props.active.index() ?? -1;
  return (
    <svg
      ref={svg}
      class="plot"
      viewBox={`0 0 ${width()} ${HEIGHT}`}
      role="img"
      aria-label={`${props.title}: bars, the figures are in the table`}
      onPointerMove={activateAt}
      onPointerDown={activateAt}
      onPointerLeave={() => props.active.setIndex(undefined)}
    >
      <For each={scale.gridValues()}>
        {(value) => (
          <>
            <path class="grid-line" d={`M${scale.left()} ${scale.y(value)}H${width()}`} />
            <text class="tick value" x={scale.left() - 8} y={scale.y(value) + 4}>
              {props.formatAxis(value)}
            </text>
          </>
        )}
      </For>
      <path
        class="bars"
        d={props.points.map(({ value }, index) => scale.bar(index, value)).join("")}
      />
      <Show when={props.points[activeIndex()]}>
        {(point) => (
          <>
            <path
              class="guide"
              d={`M${scale.middle(activeIndex())} ${MARGIN_TOP}V${PLOT_BOTTOM}`}
            />
            <path class="bars active" d={scale.bar(activeIndex(), point().value)} />
          </>
        )}
      </Show>
      <For each={props.points}>
        {(point, index) => (
          <Show when={scale.hasLabel(index())}>
            <text class="tick" x={scale.x(index())} y={HEIGHT - 8}>
              {point.shortLabel}
            </text>
          </Show>
        )}
      </For>
    </svg>
  );
}

function createWidth(element: () => Element): () => number {
  const [width, setWidth] = createSignal(600);
  onMount(() => {
    const observer = new ResizeObserver(([entry]) => entry && setWidth(entry.contentRect.width));
    observer.observe(element());
    onCleanup(() => observer.disconnect());
  });
  return width;
}

/** Maps values and indexes of points to coordinates. */
function createScale(props: PlotProps, width: () => number) {
  const gridValues = createMemo(() => {
    const greatest = Math.max(0, ...props.points.map(({ value }) => value));
    const step = roundStep(greatest / GRID_LINES_MAX, props.whole);
    const count = Math.max(1, Math.ceil(greatest / step));
    return Array.from({ length: count + 1 }, (_, line) => line * step);
  });
  const left = createMemo(() => widest(gridValues().map(props.formatAxis)) + LABEL_GAP);
  const labelWidth = createMemo(
    () => widest(props.points.map(({ shortLabel }) => shortLabel)) + LABEL_GAP,
  );
  const slotWidth = () => (width() - left()) / Math.max(1, props.points.length);
  const barWidth = () =>
    Math.min(BAR_WIDTH_MAX, slotWidth() > 4 ? slotWidth() * 0.72 : slotWidth());
  const x = (index: number) => left() + index * slotWidth() + (slotWidth() - barWidth()) / 2;
  const y = (value: number) => MARGIN_TOP + PLOT_HEIGHT * (1 - value / (gridValues().at(-1) ?? 1));
  return {
    gridValues,
    left,
    x,
    y,
    middle: (index: number) => x(index) + barWidth() / 2,
    bar: (index: number, value: number) =>
      `M${x(index)} ${PLOT_BOTTOM}V${y(value)}h${barWidth()}V${PLOT_BOTTOM}z`,
    hasLabel: (index: number) =>
      index % Math.ceil(labelWidth() / slotWidth()) === 0 &&
      x(index) + labelWidth() <= width() + LABEL_GAP,
    indexAt: (position: number) => {
      const index = Math.floor((position - left()) / slotWidth());
      return Math.min(props.points.length - 1, Math.max(0, index));
    },
  };
}

function widest(labels: string[]): number {
  return Math.max(0, ...labels.map(({ length }) => length)) * LETTER_WIDTH;
}

/** Rounds up to 1, 2 or 5 times a power of ten. */
function roundStep(least: number, whole: boolean): number {
  if (least <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= least) ?? 10;
  return whole ? Math.max(1, step * power) : step * power;
}
