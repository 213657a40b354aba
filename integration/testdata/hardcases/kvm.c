// A machine of a few instructions, which comes back for input and output, for memory that is
// not there, and to halt: TestVirtualProcessors.
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

static const unsigned char code[] = {
	0xba, 0xf8, 0x03,	// mov dx, 0x3f8
	0xb0, 'A', 0xee,	// mov al, 'A'; out dx, al
	0xa3, 0x00, 0x90,	// mov [0x9000], ax
	0xf4,			// hlt
};

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);
	void *mem = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memcpy(mem, code, sizeof code);
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = 0x1000, .memory_size = 0x1000, .userspace_addr = (uintptr_t)mem,
	};
	ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region);
	int cpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	struct kvm_run *run = size > 0 ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0) : MAP_FAILED;
	struct kvm_sregs segments;
	if (run == MAP_FAILED || ioctl(cpu, KVM_GET_SREGS, &segments)) {
		puts("no KVM");
		return 0;
	}
	segments.cs.base = segments.cs.selector = 0;
	ioctl(cpu, KVM_SET_SREGS, &segments);
	struct kvm_regs regs = {.rip = 0x1000, .rflags = 2};
	ioctl(cpu, KVM_SET_REGS, &regs);
	for (int i = 0; i < 6 && ioctl(cpu, KVM_RUN, 0) == 0 && run->exit_reason != KVM_EXIT_HLT; i++)
		;
	ioctl(vm, KVM_RUN, 0);
	return 0;
}
