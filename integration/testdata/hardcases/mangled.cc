// Calls from functions of all kinds of C++ names, with the stacks of TestNamesAsStrace.
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#define KEEP asm volatile("") // no tail calls
#define APART __attribute__((noinline))

namespace ns {
inline namespace v2 {
template <class T, int N> struct Holder {
	T v;
	APART void go(const T &x, int (&a)[N]) { v = x; a[0] += getppid(); KEEP; }
	APART Holder &operator<<(std::map<std::string, T> m) { int a[N] = {}; go(m.begin()->second, a); KEEP; return *this; }
	APART operator bool() const { getpgid(0); KEEP; return true; }
};
}
namespace {
APART int local(int (*f)(std::vector<unsigned long>), void *) { int r = f({1, 2}); KEEP; return r; }
}
}

APART static int take(std::vector<unsigned long> v)
{
	ns::Holder<std::string, 3> h;
	h << std::map<std::string, std::string>{{"a", "b"}};
	KEEP;
	return h ? v.size() : 0;
}

struct Base {
	APART Base(int, const char * = "") { getsid(0); KEEP; }
	virtual ~Base() { getpgid(0); KEEP; }
	virtual void f() const volatile && noexcept { getsid(0); KEEP; }
};
struct Derived : virtual Base {
	Derived() : Base(1) {}
};

template <class... A> APART auto all(A &&...a) -> decltype((... + a)) { getppid(); KEEP; return (... + a); }

int main()
{
	int n = ns::local(take, nullptr);
	{ std::unique_ptr<Base> d(new Derived); std::move(*d).f(); }
	auto l = [&](int x, auto y) { n += getppid(); KEEP; return x; };
	std::function<int(int)> f = [&](int q) { return l(q, 1.0); };
	f(3);
	all(1, 2.0, 'c');
	void (*p)(std::ostream &(*)(std::ostream &)) = [](std::ostream &(*m)(std::ostream &)) { std::cout << "written" << m; KEEP; };
	p(std::endl);
	return 0;
}
