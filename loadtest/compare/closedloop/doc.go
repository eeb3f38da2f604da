// Package closedloop offers ballots as fast as they are answered: every connection
// sends one request, waits for its answer and sends the next. It shares the
// processors with what it measures, so it is lean: requests are made once and
// their voter's number is written into them, answers are read into one buffer and
// only their status, length and outcome are looked at.
//
// A closed loop measures throughput. Its latencies are those of a system kept busy
// by so many clients; how long users wait at a given rate is another question,
// which an open model answers.
package closedloop
