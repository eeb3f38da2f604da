// Package check holds what Kubernetes would be given to what Kubernetes takes. It is
// a module of its own: none of what it needs belongs into the product.
package check
