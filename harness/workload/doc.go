// Package workload says who votes for what, when, and what is sent again. It is a
// pure function of its Options: the same seed makes the same polls, ballots and
// duplicates, and the speed of the cluster changes nothing in it.
package workload
