// Package closedloop offers ballots as fast as they are answered: every connection
// sends one request, waits for its answer and sends the next. It shares the
// processors with what it measures, so it does little: a request is made once, and each
// voter's number is written into it. Answers are read into one buffer, and only their
// status, length and outcome are looked at.
//
// A closed loop measures throughput. Its latencies are those of a system kept busy
// by so many clients; how long users wait at a given rate is another question,
// which an open model answers.
package closedloop
