# SPDX-License-Identifier: BSD-2-Clause
#
# valid_referers and $invalid_referer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_module('http_referer', 'http_rewrite');

my $t = Weir::Test->new;
my $long = 'a' x 256;
$t->run(<<"EOC");
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name Own.test *.star.test tail.test.* .dot.test ~^re\\d\\.test\$;
        referer_hash_max_size 100;
        location / { return 200 "[\$invalid_referer]"; }
        location /only { valid_referers none a.test; return 200 "[\$invalid_referer]"; }
        location /blocked { valid_referers blocked a.test; return 200 "[\$invalid_referer]"; }
        location /host { valid_referers A.test; valid_referers b.test *.c.test .d.test e.*; return 200 "[\$invalid_referer]"; }
        location /path { valid_referers a.test/dir b.test/; return 200 "[\$invalid_referer]"; }
        location /regex { valid_referers ~google\\. ~^x\\.test/p; return 200 "[\$invalid_referer]"; }
        location /long { valid_referers ~aaa; return 200 "[\$invalid_referer]"; }
        location /names { valid_referers server_names; return 200 "[\$invalid_referer]"; }
        location /both { valid_referers server_names other.test ~more; return 200 "[\$invalid_referer]"; }
        location /outer { valid_referers a.test; return 200 "[\$invalid_referer]";
            location /outer/in { return 200 "[\$invalid_referer]"; }
            location /outer/own { valid_referers b.test; return 200 "[\$invalid_referer]"; } }
        location /if { valid_referers a.test; if (\$invalid_referer) { return 403; } return 200 in; }
    }
}
EOC

my @table = (
    # nothing that could be refused
    '/'        => undef, 1, '/'       => 'http://x.test/' => 1,
    '/only'    => undef, 1, '/only'   => ''               => 0,
    '/only'    => 'http://a.test/'  => 1, '/only'   => 'http://b.test/' => 0,
    '/only'    => 'hidden'          => 0, '/blocked' => 'hidden'        => 1,
    '/blocked' => undef, 0, '/blocked' => ''              => 1,
    '/blocked' => 'http://'         => 1, '/blocked' => 'http://a.b'    => 1,
    '/blocked' => 'http://a.bc'     => 0, '/blocked' => 'ftp://a.test/' => 1,
    '/host'    => 'http://a.test'   => 1, '/host'   => 'https://a.test' => 1,
    '/host'    => 'HTTP://A.TEST/x' => 1, '/host'   => 'http://a.test:81/' => 1,
    '/host'    => 'http://a.test?x' => 0, '/host'   => 'http://a.testx/' => 0,
    '/host'    => 'http://b.test/'  => 1, '/host'   => 'http://c.test/' => 0,
    '/host'    => 'http://x.c.test' => 1, '/host'   => 'http://d.test/' => 1,
    '/host'    => 'http://x.d.test' => 1, '/host'   => 'http://e.test/' => 1,
    '/host'    => 'http://e.x.test' => 1, '/host'   => 'http://xe.test' => 0,
    '/host'    => 'a.test'          => 0, '/host'   => undef, 0,
    '/host'    => 'http://u@a.test' => 0, '/host'   => 'http://a.test.' => 0,
    '/path'    => 'http://a.test/dir'  => 1,
    '/path'    => 'http://a.test/dirs' => 1,
    '/path'    => 'http://a.test/di'   => 0,
    '/path'    => 'http://a.test/Dir'  => 0,
    '/path'    => 'http://a.test:8/dir/x' => 1,
    '/path'    => 'http://b.test'      => 0, '/path' => 'http://b.test/' => 1,
    '/regex'   => 'http://www.google.com' => 1,
    '/regex'   => 'http://www.GOOGLE.com' => 1,
    '/regex'   => 'http://x.test/path' => 1, '/regex' => 'http://x.test/' => 0,
    '/regex'   => 'google.' => 0,
    '/long'    => 'http://' . 'a' x 256 => 1,
    '/long'    => 'http://' . 'a' x 257 => 0,
    '/names'   => 'http://own.test'    => 1, '/names' => 'http://x.test/' => 0,
    '/names'   => 'http://a.star.test' => 1, '/names' => 'http://star.test/' => 0,
    '/names'   => 'http://tail.test.x' => 1, '/names' => 'http://tail.test' => 0,
    '/names'   => 'http://dot.test/'   => 1, '/names' => 'http://a.dot.test' => 1,
    '/names'   => 'http://xdot.test'   => 0,
    '/names'   => 'http://RE1.test/'   => 1, '/names' => 'http://re.test/' => 0,
    '/both'    => 'http://own.test'    => 1, '/both'  => 'http://other.test' => 1,
    '/both'    => 'http://x.test/more' => 1, '/both'  => 'http://x.test/' => 0,
    '/outer'   => 'http://a.test/'     => 1, '/outer/in' => 'http://a.test/' => 1,
    '/outer/in'  => 'http://b.test/'   => 0,
    '/outer/own' => 'http://b.test/'   => 1, '/outer/own' => 'http://a.test/' => 0,
);
while (my ($uri, $referer, $valid) = splice @table, 0, 3) {
    my $r = $t->get($uri,
        headers => [ defined $referer ? (Referer => $referer) : () ]);
    is $r->body, $valid ? '[]' : '[1]',
        "$uri: " . substr $referer // 'none', 0, 30;
}
is $t->get('/if', headers => [ Referer => 'http://a.test/' ])->status, 200,
    'if: valid';
is $t->get('/if', headers => [ Referer => 'http://b.test/' ])->status, 403,
    'if: not valid';

# ---- messages ----

sub first
{
    return conf_test("events {}\nhttp {\nserver {\n$_[0]\n}\n}\n");
}

is first('valid_referers;')->{first},
    'invalid number of arguments in "valid_referers" directive in F:4',
    'nothing';
is first('valid_referers ~;')->{first}, 'empty regex in "~" in F:4',
    'an empty regex';
like first('valid_referers ~(;')->{first},
    qr/^pcre2_compile\(\) failed: .* in "\("( at "")? in F:4$/, 'a bad regex';
is first('valid_referers a.test "";')->{first}, 'invalid referer "" in F:4',
    'an empty word';
is first('valid_referers a.test a.test;')->{first},
    'conflicting parameter "a.test" in F:4', 'twice';
is first('valid_referers a.*.test;')->{first},
    'invalid hostname or wildcard "a.*.test" in F:4', 'a bad wildcard';

is first('valid_referers none blocked;')->{first},
    'the "none" or "blocked" referers are specified in the "valid_referers" '
    . 'directive without any valid referer', 'no host';

done_testing;
