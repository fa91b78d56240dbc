# SPDX-License-Identifier: BSD-2-Clause
#
# Which server answers: exact names, wildcards at either end, regular
# expressions with captures, the default server.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new->run(<<'EOC');
%%HTTP%%
    default_type text/plain;
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name first.test;
        return 200 first;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name exact.test WWW.Upper.test "" alias.test;
        return 200 "exact $server_name";
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name *.wild.test .dot.test;
        return 200 leading;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name *.deep.wild.test;
        return 200 longer;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name tail.* tail.more.*;
        return 200 trailing;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name ~^re(?<digits>\d+)\.(.+)$;
        return 200 "regex $digits $2";
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name ~^re.*$ ~CASE;
        return 200 "second regex";
    }
    server {
        listen 127.0.0.1:%%PORT_other%%;
        server_name one.test;
        return 200 "other port, not default";
    }
    server {
        listen 127.0.0.1:%%PORT_other%% default_server;
        server_name $hostname two.test;
        return 200 "other port, default";
    }
}
EOC

sub answer {
    my ($host, $wanted, $name, %opt) = @_;

    is $t->get('/', host => $host, %opt)->body, $wanted, $name // $host;
}

answer('nobody.test', 'first', 'unknown name: the first server');
answer('exact.test', 'exact exact.test');
answer('alias.test', 'exact exact.test', '$server_name is the first name');
answer('EXACT.Test', 'exact exact.test', 'the case of the request');
answer('www.upper.test', 'exact exact.test', 'the case of the configuration');
answer('exact.test:8080', 'exact exact.test', 'the port is dropped');
answer('exact.test.', 'exact exact.test', 'a trailing dot is dropped');
answer(undef, 'exact exact.test', 'no Host: the empty name',
       version => '1.0');
answer('a.wild.test', 'leading');
answer('a.b.wild.test', 'leading', 'a wildcard takes several labels');
answer('wild.test', 'first', 'a wildcard takes one label at least');
answer('x.deep.wild.test', 'longer', 'the longest wildcard wins');
answer('dot.test', 'leading', '.name: itself');
answer('a.dot.test', 'leading', '.name: below it');
answer('tail.com', 'trailing');
answer('tail.more.com', 'trailing');
answer('tail.wild.test', 'leading', 'a leading wildcard before a trailing one');
answer('re42.site', 'regex 42 site', 'regex with captures');
answer('retro.site', 'second regex', 'regexes in the order of the file');
answer('xcasex', 'second regex', 'a regex with capitals ignores case');
answer('nobody.test', 'other port, default', 'default_server',
       port => 'other');
answer('one.test', 'other port, not default', 'names belong to a port',
       port => 'other');
answer('exact.test', 'other port, default', 'a name of another port',
       port => 'other');

is $t->raw("GET http://exact.test/ HTTP/1.1\r\nHost: a.wild.test\r\n"
           . "Connection: close\r\n\r\n")->body, 'exact exact.test',
    'the name in the request line comes before Host';

# A name that stands there twice.
my $one = 'server { listen 127.0.0.1:%%PORT%%; server_name a a .b b *.b; }';
for my $case (["$one\n", 0], ["$one\nserver { listen 127.0.0.1:%%PORT%%; }\n", 1])
{
    my ($servers, $warns) = @$case;
    my $conf = conf_test("%%HTTP%%\n$servers}");

    is $conf->{err} =~ /conflicting server name "a" on / ? 1 : 0, $warns,
        $warns ? 'with another server: a warning' : 'alone: none';
}

done_testing;
