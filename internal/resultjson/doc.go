// Package resultjson is the outcome of a count as JSON: as the API answers it, and as
// files that are counted without a cluster have it. Numbers keep their decimals: none of
// them becomes a floating point number.
package resultjson
