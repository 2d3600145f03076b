/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sessions.bpf.o, for session_walk.cpp */
	.section .rodata
	.balign 8
	.global tcpopt_sessions_object
	.global tcpopt_sessions_object_end
tcpopt_sessions_object:
	.incbin SESSIONS_OBJECT
tcpopt_sessions_object_end:
	.section .note.GNU-stack, "", %progbits
