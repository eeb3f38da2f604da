// Package ballotfile reads files of ballots, one per line, in NDJSON and CSV: files
// that people make, and those that exports have written. A line of NDJSON is read by
// the same code as a line of the API's bulk route, and a cell of CSV in the notation
// that exports use, so a file means the same ballots everywhere.
package ballotfile
