// Package api is the public HTTP interface of a member: it decodes requests, passes them
// to the cluster behind it, and renders answers and problems.
//
// It holds no state of its own except counters and a cache of tallies. What it needs of
// the cluster is in backend.go; it does not depend on replication. Every answer names the
// member, the leader and the log index that it reflects, and every refusal is an RFC 9457
// problem whose code comes from refusal.Codes.
//
// A request is decoded strictly before it reaches the cluster: unknown or duplicate
// names, trailing data and invalid UTF-8 are refused, so that a misspelt field never
// silently changes what a ballot or a poll means.
//
// The reference of all routes is openapi.yaml. It is served, and the tests check every
// response against it.
package api
