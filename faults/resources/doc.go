// Package resources is layer L8: nodes that are short of something, and clients that
// take too much. One node of a loaded cluster at a time gets too few file
// descriptors, too little memory, a tenth of a processor, ten thousand connections
// that say nothing, and hundreds that say one byte a second. The others must go on
// acknowledging, every ballot must count once, and what was held for the bad clients
// must be given back.
package resources
