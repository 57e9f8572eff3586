#!/bin/sh
echo say "$1"
