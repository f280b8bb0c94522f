// The products: searched as you type, filtered, sorted, a page at a time.
import { createEffect, createMemo, createSignal, For, Show, untrack } from "solid-js";
import { moved, place, setSearch } from "../../router";
import { firstProducts, type Shown } from "../../rpc/first";
import { createList, createLoad, type Page as ListPage } from "../../rpc/load";
import { StockBadge } from "../../ui/badges";
import { Select } from "../../ui/field";
import { categoryWords } from "../../ui/labels";
import { More } from "../../ui/load-more";
import { Page } from "../../ui/page";
import { Picture } from "../../ui/picture";
import { Empty, Loaded } from "../../ui/states";
import { debounced } from "../../util/debounce";
import { amountOf, written } from "../../util/money";

const TYPING_PAUSE_MS = 180;
const PAGE_SIZE = 24;
const QUERY_LENGTH_MAX = 200;
/** Pictures that are seen without scrolling. */
const EAGER_PICTURES = 4;
/** Cards that are drawn at once where the page is new: the others come when those stand. */
const FIRST_CARDS = 8;
const SORTS = [
  { value: "name", text: "Name" },
  { value: "price", text: "Price, low to high" },
  { value: "price desc", text: "Price, high to low" },
  { value: "create_time desc", text: "Newest" },
];

// What was shown last, so that going back shows it again, however far it was read.
let shown: { search: string; page: ListPage<Shown> } | undefined;

export function Home() {
  const search = createMemo<string>(
    (before) => (place().path === "/" ? place().search : before),
    place().search,
  );
  const filters = createMemo(() => new URLSearchParams(search()));
  const filter = (name: string) => filters().get(name) ?? "";
  const set = (name: string, value: string) => {
    const next = new URLSearchParams(search());
    if (value) next.set(name, value);
    else next.delete(name);
    setSearch(next.size > 0 ? `?${next}` : "");
  };
  const searchFor = debounced(TYPING_PAUSE_MS, (text: string) => set("q", text.trim()));

  const question = () => ({
    pageSize: PAGE_SIZE,
    query: filter("q").slice(0, QUERY_LENGTH_MAX),
    category: filter("category"),
    orderBy: filter("sort"),
    inStockOnly: filter("in_stock") !== "",
  });
  let opened = untrack(moved);
  const list = createList<Shown>(
    async (pageToken, signal) => {
      const request = { ...question(), pageToken };
      const { products } = await import("../../rpc/products");
      return pageOf(await products.listProducts(request, signal ? { signal } : {}));
    },
    () => {
      const [how, request] = [opened, question()];
      opened = "by-link";
      if (how === "not") return firstProducts(request).then((answer) => answer && pageOf(answer));
      const restored = how === "by-history" && shown?.search === search();
      return restored ? Promise.resolve(shown?.page) : undefined;
    },
  );
  const [cards, setCards] = createSignal(opened === "not" ? FIRST_CARDS : Infinity);
  createEffect(() => {
    const page = list.data();
    if (page) requestAnimationFrame(() => setTimeout(() => setCards(Infinity)));
    if (page && !list.loading()) shown = { search: untrack(search), page };
  });
  const categories = createLoad(async (signal) => {
    const { products } = await import("../../rpc/products");
    return products.listCategories({}, { signal });
  });

  return (
    <Page title="Shopmesh" class="wide" ownHeading>
      <div class="hero">
        <h1>Good things for every room</h1>
        <p>Made to be used for years. What you see is what you pay.</p>
      </div>
      <search>
        <form
          class="filters"
          onSubmit={(event) => {
            event.preventDefault();
            searchFor.now();
          }}
        >
          <SearchBox text={filter("q")} onInput={searchFor} />
          <Select
            label="Category"
            value={filter("category")}
            onInput={(value) => set("category", value)}
            options={[
              { value: "", text: "All categories" },
              ...(categories.data()?.categories ?? []).map(({ slug, displayName }) => ({
                value: slug,
                text: displayName || categoryWords(slug),
              })),
            ]}
          />
          <Select
            label="Sort"
            value={filter("sort") || "name"}
            onInput={(value) => set("sort", value === "name" ? "" : value)}
            options={SORTS}
          />
          <label class="check">
            <input
              type="checkbox"
              checked={filter("in_stock") !== ""}
              onChange={(event) => set("in_stock", event.currentTarget.checked ? "1" : "")}
            />
            In stock only
          </label>
        </form>
      </search>
      <Loaded of={list} skeleton={<Skeleton />}>
        {(page) => (
          <Show
            when={page().items.length > 0}
            fallback={
              <Empty title="Nothing fits that">
                <p>Try fewer words, or another category.</p>
                <button type="button" class="quiet" onClick={() => setSearch("")}>
                  Show everything
                </button>
              </Empty>
            }
          >
            <ul class="grid" aria-busy={list.loading()}>
              <For each={page().items.slice(0, cards())}>
                {(product, index) => <Card product={product} eager={index() < EAGER_PICTURES} />}
              </For>
            </ul>
            <More list={list} />
          </Show>
        )}
      </Loaded>
    </Page>
  );
}

function pageOf(answer: { products: Shown[]; nextPageToken: string }): ListPage<Shown> {
  return { items: answer.products, next: answer.nextPageToken };
}

function SearchBox(props: { text: string; onInput: (text: string) => void }) {
  let input!: HTMLInputElement;
  // The text follows the address, but never while somebody types.
  createEffect(() => {
    const text = props.text;
    if (document.activeElement !== input) input.value = text;
  });
  return (
    <div class="field search">
      <label for="search">Search products</label>
      <input
        ref={input}
        id="search"
        type="search"
        autocomplete="off"
        maxlength={QUERY_LENGTH_MAX}
        onInput={(event) => props.onInput(event.currentTarget.value)}
      />
    </div>
  );
}

function Card(props: { product: Shown; eager: boolean }) {
  return (
    <li class="card">
      <Picture url={props.product.imageUrl} eager={props.eager} />
      <div class="card-text">
        <a href={`/products/${props.product.slug}`} class="card-name">
          {props.product.name}
        </a>
        <p class="muted">{categoryWords(props.product.category)}</p>
        <p class="card-foot">
          <span class="price">{written(amountOf(props.product.price))}</span>
          <StockBadge state={props.product.stockState} />
        </p>
      </div>
    </li>
  );
}

function Skeleton() {
  return (
    <ul class="grid" aria-hidden="true">
      <For each={Array(8).fill(0)}>
        {() => (
          <li class="card skeleton">
            <span class="picture" />
            <div class="card-text">
              <span class="bar" />
              <span class="bar short" />
            </div>
          </li>
        )}
      </For>
    </ul>
  );
}
