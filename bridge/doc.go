// Package bridge has no code. Its test enforces which package of this module may know what.
package bridge
