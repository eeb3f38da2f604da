// Package rctab reads and writes ballots in the generic CSV of the tabulator RCTab: a
// column for each option, a row for each ballot, and in a cell the rank of the option:
//
//	ballot,Ann,Bo,Cy
//	1,1,,2
//	2,2,1,2
//
// The first column numbers the rows. RCTab skips it if its first column of votes is set to
// 2.
package rctab
