// Package drive offers a workload to a cluster at a constant rate that does not
// depend on how fast the answers come (an open model), through the project's own
// client, and follows up each answer with the duplicates that the plan asks for.
package drive
