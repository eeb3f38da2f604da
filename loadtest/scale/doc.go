// Package scale shows what size does to the service: it fills one poll with
// millions of ballots, or makes a million polls, on a three-node cluster of real
// processes, and measures on the way what a ballot and a poll take, how the
// throughput holds, and how long snapshots, restarts and catching up last. In the
// end everything is counted.
package scale
