// Package clocks is layer L7: nodes whose clocks jump by hours and days while polls
// open and close by time. The nodes are built with a changed time.Now, which adds the
// seconds that a file of each process holds (go build -overlay: the toolchain's own file
// stays as it is). As on a real machine, only the time of day jumps; the monotonic clock
// goes on.
//
// Only one clock at a time is wrong. The median of three clocks is then right, and so is
// the replicated clock. Polls must close by it, neither early nor late, and the books of an
// honest load at the same time must balance.
package clocks
