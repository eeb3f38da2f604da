//go:build !race

package simtest

// moveWeight is how often members are drawn to move, relative to the other weights of
// faults.
const moveWeight = 8
