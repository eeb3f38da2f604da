// Package viewers measures what live results cost: thousands of streams watch one poll while
// ballots are cast at a fixed rate, and the same ballots are cast without anybody watching.
package viewers
