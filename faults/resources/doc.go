// Package resources is layer L8: nodes that are short of something, and clients that
// take too much. One node at a time, in a cluster under load, gets too few file
// descriptors, too little memory, a tenth of a processor, ten thousand connections that
// send nothing, and hundreds that send one byte every half second. The other nodes must go
// on acknowledging, every ballot must count once, and the node must free what it held for
// such clients.
package resources
