import { InvalidFieldsError } from "../../../rpc/errors";

/** Parses a whole number, or rejects the field. */
export function parseWholeNumber(field: string, text: string): number {
  const number = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isInteger(number)) {
    throw new InvalidFieldsError({ [field]: "Enter a whole number." });
  }
  return number;
}
