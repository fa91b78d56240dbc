# SPDX-License-Identifier: BSD-2-Clause
#
# What variables say at the edges: families whose name ends with the family's,
# ports of hosts, and requests that were refused with their first line.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
my $has_port = version_at_least('1.29.3');
my $port = $has_port ? '$is_request_port$request_port' : '-';
my @families = qw(arg http cookie sent_http sent_trailer upstream_http
    upstream_trailer upstream_cookie);
my $families = join ' ', map { "$_=[\$${_}_]" } @families;
$t->run(<<"EOC");
%%HTTP%%
    log_format names '[\$uri][\$request_uri][\$args][\$request_filename][\$request_length][\$request]';
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        access_log %%TESTDIR%%/names.log names;
        add_header X-Uri "[\$uri][\$request_uri]" always;
        location /families { return 200 '$families'; }
        location /port { return 200 "[\$host][$port]"; }
        location /set { set \$http_ a; set \$cookie_ b; return 200 "\$http_\$cookie_"; }
    }
}
EOC

# ---- names of families that end with them

my %empty = map { $_ => '' } @families;
sub families { return { $t->get(@_)->body =~ /(\w+)=\[(.*?)\]/g } }
is_deeply families('/families?=5&a=1', headers => [ Cookie => '=7; a=1' ]),
    { %empty, cookie => 7 }, 'an empty name: only cookies have such';
is_deeply families('/families'), \%empty, 'an empty name: nothing there';
is $t->get('/set')->body, 'ab', 'an empty name can be set';

# ---- ports

SKIP: {
    skip_before('1.29.3', '$request_port', 6);
    my sub port { return $t->get('/port', host => $_[0])->body }
    is port('a.test'), '[a.test][]', 'no port';
    is port('a.test:'), '[a.test][]', 'an empty one';
    is port('a.test:80'), '[a.test][:80]', 'a port';
    is port('a.test:00080'), '[a.test][:80]', 'is a number';
    is port('a.test:0'), '[a.test][]', '0 is none';
    is port('[::1]:99'), '[[::1]][:99]', 'behind an address';
}
SKIP: {
    skip_before('1.29.4', 'hosts', 2);
    is $t->get('/port', host => $_)->status, 400, "$_ is no host"
        for '[::1..2]', '[v1.a..b]';
}

# ---- refused with the first line

my $root = $t->path('html');
for my $target ('/%/x?a=b', '/../x', '/a/%2e%2e/../..?a=b', '/%00', '/a%zz') {
    my $line = "GET $target HTTP/1.1";
    my $r = $t->raw("$line\r\nHost: a.test\r\n\r\n");

    is $r->status, 400, "$target: refused";
    is $r->header('X-Uri'), '[][]', "$target: has no URI";
    is $t->wait_log(qr/\Q$line\E/, 'names.log'),
        "[][-][-][$root][" . length("$line\r\n") . "][$line]",
        "$target: in the log";
}

done_testing;
