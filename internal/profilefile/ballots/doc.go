// Package ballots reads and writes ballots line by line, in NDJSON and CSV: those that are
// cast in bulk, those that exports have written, and lines that stand for several equal
// ballots:
//
//	{"ranking":["bo",["ann","cy"]],"count":12}      ranking,count
//	{"voter":"v-17","ranking":["ann",null,"bo"]}    bo>ann=cy,12
//
// A null, in CSV a _, is a rank that was skipped. The voter is optional; a voter that is
// there twice is refused, since one of the ballots must be wrong.
package ballots
