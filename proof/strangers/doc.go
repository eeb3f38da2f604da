// Package strangers holds package proof to libraries that others wrote: what one makes the
// other reads, and both refuse the same. It is a module of its own: none of what it needs
// belongs into the product.
package strangers
