// Package arrows has no code. Its test enforces which package may import which.
package arrows
