// Package layer says what a layer of fault injection is, and what it reports.
//
// A Layer names its floors (how many faults of which kind a run must make at least),
// what it needs, and a function that makes the faults. That function gets a Run: a
// seed, a directory of its own, binaries, and the methods that keep count:
//
//	for range r.Floor("store cuts") {
//		... make a fault, judge what came of it ...
//		r.Fault("store cuts")
//		r.Acknowledged(n)
//	}
//	r.Control("fsync off", caught, how)
//
// What contradicts an oracle is a Violation. The run goes on after it, because several
// violations explain more than one. An error ends the layer, and means that the tool
// failed, not the product. A negative control that is not caught makes the layer's result
// worthless, and counts as a violation.
package layer
