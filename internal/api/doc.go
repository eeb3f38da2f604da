// Package api is the public HTTP interface of a member: it decodes requests,
// asks the cluster behind it, and renders answers and problems.
//
// It holds no state of its own beyond counters and a cache of tallies. What it
// needs of the cluster stands in backend.go; it knows nothing of replication.
// Every answer names the member, the leader and the log index that it saw, and
// every refusal is an RFC 9457 problem whose code comes from poll.Codes.
//
// A request is decoded strictly before anything is asked of the cluster: unknown
// or duplicate names, trailing data and invalid UTF-8 are refused, so that a
// misspelt field never silently changes what a ballot or a poll means.
//
// The reference of all routes is openapi.yaml, which is served and which the
// tests hold every response against.
package api
