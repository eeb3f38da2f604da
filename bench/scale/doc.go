// Package scale shows what size does to the service: it fills one poll with
// millions of ballots, or makes a million polls, on a three-node cluster of real
// processes. It measures what a ballot and a poll take, whether the throughput holds, and
// how long snapshots, restarts and catching up last. In the end it counts everything.
package scale
