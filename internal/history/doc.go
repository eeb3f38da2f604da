// Package history keeps what one node did and saw lately: a sample each second for a quarter
// of an hour, and its last thousand events. It is for people who look at a cluster that has
// no monitoring yet, or that cannot reach its own. Nothing of it outlives the process.
package history
