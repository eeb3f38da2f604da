// Package strangers holds what this project sends and offers to programs that others wrote. It
// is a module of its own: none of what it needs belongs into the product.
package strangers
