// Package processes is layer L3: clusters of real processes, each in a network
// namespace of its own, under a load whose every ballot is in a ledger, while
// processes are killed and stopped and what lies between them is cut, slowed and
// delayed. The load test does the work; this package runs it again and again, with
// as many faults in as little time as possible, until the floors are reached.
package processes
