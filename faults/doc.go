// Faults breaks real nodes on purpose, and proves that no acknowledged ballot is lost or
// counted twice:
//
//	go run ./faults                        every layer, the floors of a CI run
//	go run ./faults --layers L4,L5         some of them
//	go run ./faults --floor long --seed 7  more faults, drawn from this seed
//
// It needs Linux and root, because it makes file systems and networks of its own. What it
// cannot do it skips and names. It touches only what it made itself.
//
// Results are a table and faults.json. The exit code is 0 if every floor was reached
// without a violation, 3 if an oracle was contradicted or a negative control was not
// caught, 4 below a floor (a layer that was skipped is below its floors), and 1 if the
// tool failed. docs/testing.md says what each layer does.
//
// To add a layer: a package below faults/ with a function that returns a
// *layer.Layer, and a line in layers.go.
package main
