// Package clocks is layer L7: nodes whose clocks jump by hours and days while polls
// open and close by time. The nodes are built with a changed time.Now (go build
// -overlay; the toolchain's own file stays as it is), which adds what stands in a file
// for each process. As on a machine, only the time of day jumps; the monotonic clock
// goes on.
//
// One clock at a time is wrong: the median of three is right then, and with it the
// replicated clock. Polls must close by it, neither early nor late, and the books of
// an honest load beside must balance.
package clocks
