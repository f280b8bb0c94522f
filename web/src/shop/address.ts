// Where an order goes: kept on this device as it is typed, until the person logs out.
import { stored } from "../util/stored";

// ISO 3166-1 alpha-2, as the contract takes them.
const CODES = (
  "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS " +
  "BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE " +
  "EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM " +
  "HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC " +
  "LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA " +
  "NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW " +
  "SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO " +
  "TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
).split(" ");

const OWN_COUNTRY = (() => {
  const region = new Intl.Locale(navigator.language || "en").maximize().region ?? "";
  return CODES.includes(region) ? region : "DE";
})();

export interface Draft {
  fullName: string;
  street: string;
  city: string;
  postalCode: string;
  countryCode: string;
}

const draft = stored<Draft | null>("shopmesh.address", (parsed) =>
  parsed && typeof parsed === "object" ? { ...empty(), ...(parsed as Partial<Draft>) } : null,
);

export const addressDraft = (): Draft => draft.value() ?? empty();

export function changeAddress(part: Partial<Draft>): void {
  draft.set({ ...addressDraft(), ...part });
}

export function forgetAddress(): void {
  draft.set(null);
}

function empty(): Draft {
  return { fullName: "", street: "", city: "", postalCode: "", countryCode: OWN_COUNTRY };
}

const NAMES = new Intl.DisplayNames(undefined, { type: "region" });

export function countryWords(code: string): string {
  try {
    return NAMES.of(code) ?? code;
  } catch {
    return code;
  }
}

/** Every country in the person's language, in its order. */
export function countries(): { value: string; text: string }[] {
  const order = new Intl.Collator();
  const all = CODES.map((value) => ({ value, text: countryWords(value) }));
  return all.sort((one, other) => order.compare(one.text, other.text));
}
