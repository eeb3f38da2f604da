// Command peers is the client side of the comparison for systems that need a
// client library of their own: it offers create-if-absent work to etcd and to
// PostgreSQL in a closed loop, the same as the comparison offers to voted. It has
// a module of its own so that the product depends on none of them.
//
// It connects first, prints "ready", waits for a line on standard input, measures,
// prints its figures as one line of JSON, then counts what is stored and prints
// that as another.
package main
