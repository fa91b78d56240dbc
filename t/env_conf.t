# SPDX-License-Identifier: BSD-2-Clause
#
# ${env:NAME} and ${env:NAME:-default}: the environment in words of the
# configuration, of directives and of data.  nginx has nothing of the kind.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

plan skip_all => 'weir only' if is_oracle();

$ENV{WEIR_T_WORD} = 'bar';
$ENV{WEIR_T_BLANKS} = 'a b;{}"';
$ENV{WEIR_T_EMPTY} = '';
$ENV{WEIR_T_VAR} = 'uri is $uri';
$ENV{WEIR_T_CODE} = '201';
delete $ENV{WEIR_T_NONE};

my $t = Weir::Test->new;
$ENV{WEIR_T_PORT} = $t->port;
$t->write('more-bar.inc', 'location = /included { return 200 included; }');
$t->write('data.inc', '/by-${env:WEIR_T_WORD} yes;');
$t->run(<<'EOC');
%%HTTP%%
    default_type text/plain;
    map $uri $mapped {
        default ${env:WEIR_T_NONE:-none};
        "~^/${env:WEIR_T_WORD}\d$" "regex ${env:WEIR_T_WORD}";
        include data.inc;
    }
    server {
        listen 127.0.0.1:${env:WEIR_T_PORT};
        server_name ${env:WEIR_T_WORD}.example.com;
        include more-${env:WEIR_T_WORD}.inc;
        location / { return 200 "mapped: $mapped"; }
        location /word/${env:WEIR_T_WORD} { return 200 ${env:WEIR_T_WORD}; }
        location /twice { return 200 "${env:WEIR_T_WORD}-${env:WEIR_T_WORD}"; }
        location /blanks { return 200 ${env:WEIR_T_BLANKS}; }
        location /quoted { return 200 '<${env:WEIR_T_BLANKS}>'; }
        location /empty { return 200 "<${env:WEIR_T_EMPTY}>"; }
        location /default { return 200 ${env:WEIR_T_NONE:-x}; }
        location /long { return 200 "${env:WEIR_T_NONE:-two words; {no block}"; }
        location /instead { return 200 "${env:WEIR_T_EMPTY:-instead}"; }
        location /variable { return 200 "${env:WEIR_T_VAR}"; }
        location /${env:WEIR_T_NONE:-}none { return 200 none; }
        location /code { return ${env:WEIR_T_CODE} ok; }
        location /directive { ${env:WEIR_T_NONE:-return} 200 directive; }
        location /host { return 200 $server_name; }
    }
}
EOC

my %body = (
    '/word/bar' => 'bar',
    '/twice' => 'bar-bar',
    '/blanks' => 'a b;{}"',
    '/quoted' => '<a b;{}">',
    '/empty' => '<>',
    '/default' => 'x',
    '/long' => 'two words; {no block',
    '/instead' => 'instead',
    '/variable' => 'uri is /variable',
    '/none' => 'none',
    '/directive' => 'directive',
    '/host' => 'bar.example.com',
    '/included' => 'included',
    '/bar7' => 'mapped: regex bar',
    '/by-bar' => 'mapped: yes',
    '/other' => 'mapped: none',
);
is $t->get($_)->body, $body{$_}, $_ for sort keys %body;
is $t->get('/code')->status, 201, 'a number';

# ---- a reload reads the environment of the master, which has not changed ----

$ENV{WEIR_T_WORD} = 'changed';
$t->reload;
is $t->get('/word/bar')->body, 'bar', 'after a reload';

# ---- -T shows what the files say ----

my $r = conf_test('events {} env A=${env:WEIR_T_WORD};', args => ['-T']);
like $r->{out}, qr/\$\{env:WEIR_T_WORD\}/, '-T shows no values';
unlike $r->{out}, qr/changed/, '... not even one';

# ---- mistakes ----

sub bad {
    my ($text, $message, $name) = @_;
    my $got = conf_test($text);

    is $got->{code}, 1, "$name: exit code";
    like $got->{err}, qr/\[emerg\] \Q$message\E in \S+nginx\.conf:1\n/, $name;
}

bad('events {} env ${env:WEIR_T_NONE};',
    'environment variable "WEIR_T_NONE" is not set', 'not set');
bad('events {} env A${env:};', 'invalid environment variable in "${env:}"',
    'no name');
bad('events {} env "${env:A B}";',
    'invalid environment variable in "${env:A B}"', 'not a name');
bad('events {} env ${env:1A};', 'invalid environment variable in "${env:1A}"',
    'a digit in front');
bad('events {} env ${env:WEIR_T_WORD-x};',
    'invalid environment variable in "${env:WEIR_T_WORD-x}"', 'no colon');
bad('events {} env ${env:WEIR_T_WORD;',
    'the closing bracket of "${env:WEIR_T_WORD" is missing', 'no bracket');
bad('events {} ${env:WEIR_T_NONE} { }',
    'environment variable "WEIR_T_NONE" is not set', 'of a block');

done_testing;
