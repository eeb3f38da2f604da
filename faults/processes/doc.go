// Package processes is layer L3: clusters of real processes, each in a network
// namespace of its own, under a load whose every ballot is in a ledger, while
// processes are killed and stopped, and the network between them is cut, slowed and
// delayed. The load test does the work. This package runs it again and again until the
// floors are reached, with as many faults in as little time as possible.
package processes
